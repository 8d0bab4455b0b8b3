// The harnesses of the gateway, run by every build.
#include <doctest/doctest.h>

#include "mqtt_input.hpp"
#include "payload_input.hpp"
#include "replay.hpp"
#include <string>
#include <vector>

using tocsin_fuzz::replay;

TEST_SUITE("fuzz") {
    TEST_CASE("fuzz: payloads and files of states, any bytes") {
        replay("payloads", 1500, tocsin_fuzz::payloads, {tocsin_fuzz::state_seed()});
    }
    TEST_CASE("fuzz: a broker of MQTT that says anything") {
        std::vector<std::string> seeds;
        for (unsigned k = 0; k < tocsin_fuzz::mqtt_seeds; ++k) {
            seeds.push_back(tocsin_fuzz::mqtt_seed(k));
        }
        replay("mqtt", 200, tocsin_fuzz::mqtt, seeds);
    }
}
