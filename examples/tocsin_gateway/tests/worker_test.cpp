#include "tocsin/alarm/rate_monitor.hpp"
#include "tocsin/io/byte_archive.hpp"
#include "tocsin/io/checksum.hpp"
#include "tocsin/tail/alarm_rate.hpp"
#include "tocsin/tail/declustering.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "fleet.hpp"
#include "io/temporary_directory.hpp"
#include "memory_ports.hpp"
#include "tocsin_gateway/worker.hpp"
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <span>
#include <sstream>
#include <string>
#include <tuple>
#include <vector>

using namespace gateway_tests;
using nlohmann::json;
using tocsin_gateway::metrics;
using tocsin_gateway::model_rules;
using tocsin_gateway::worker;
using tocsin_gateway::worker_settings;

namespace {

constexpr std::chrono::milliseconds no_wait{0};
// Nothing in these tests depends on how long they take.
const worker_settings by_samples{.checkpoint_samples = 50, .checkpoint = std::chrono::hours{1}};

/// Two models and rules, made once.
struct workshop {
    tocsin_test::temporary_directory folder;
    workshop() {
        REQUIRE(save_fleet_model(folder / "pump.safetensors").ok());
        REQUIRE(save_fleet_model(folder / "other.safetensors", 2).ok());
    }
    model_rules rules(const std::string& text) const {
        std::ofstream{folder / "rules.json"} << text;
        auto loaded = model_rules::load(folder / "rules.json");
        REQUIRE(loaded.ok());
        return *loaded;
    }
    model_rules pumps() const {
        return rules(R"({"models":[{"prefix":"pump-","file":"pump.safetensors"}]})");
    }
};
const workshop& shop() {
    static const workshop made;
    return made;
}

void run(worker& judge, const memory_source& from) {
    while (!from.ended()) {
        const tocsin::status done = judge.step(no_wait);
        CAPTURE(std::string{done.message()});
        REQUIRE(done.ok());
    }
    REQUIRE(judge.checkpoint().ok());
}

void add_fleet(memory_source& to, int devices, int samples) {
    for (int t = 0; t < samples; ++t) {
        for (int device = 0; device < devices; ++device) {
            to.add(payload_of(device, t), static_cast<std::int64_t>(to.messages.size()));
        }
    }
}

/// One worker that nobody interrupts judges all messages.
void judge_by_one(memory_source& whole, memory_sink& to, metrics& counts,
                  const worker_settings& settings = by_samples) {
    memory_store states;
    worker judge{shop().pumps(), whole, to, states, counts, settings};
    run(judge, whole);
}

/// Settings with control of alarms by options of the command line.
worker_settings with_alarms(const std::string& options) {
    CLI::App app;
    tocsin_cli::alarm_options alarms;
    alarms.add_to(app);
    app.parse(options, false);
    worker_settings settings = by_samples;
    settings.control.emplace(alarms);
    return settings;
}

verdict_lines by_device(const std::vector<std::string>& lines) {
    verdict_lines sorted;
    for (const std::string& line : lines) {
        sorted[device_of(line)].push_back(line);
    }
    return sorted;
}

} // namespace

TEST_CASE("gateway: verdicts are those of the detector, bit for bit") {
    memory_source from;
    memory_sink to;
    memory_store states;
    metrics counts;
    add_fleet(from, 3, 200);
    worker judge{shop().pumps(), from, to, states, counts, by_samples};
    run(judge, from);
    REQUIRE(to.verdicts().size() == 600);
    const auto detector = tocsin::load_detector<tocsin::detector<tocsin::forecaster<float>>>(
                              shop().folder / "pump.safetensors")
                              .value();
    const auto lines = by_device(to.verdicts());
    int anomalies = 0;
    int missing = 0;
    for (int device = 0; device < 3; ++device) {
        auto stream = detector.make_stream();
        for (int t = 0; t < 200; ++t) {
            tocsin_gateway::sample sample;
            REQUIRE(tocsin_gateway::read_sample(payload_of(device, t), sample).ok());
            const auto verdict = detector.push(
                stream,
                {static_cast<float>(sample.values[0]), static_cast<float>(sample.values[1])},
                sample.time);
            const json line =
                json::parse(lines.at(device_name(device))[static_cast<std::size_t>(t)]);
            REQUIRE(line["position"] == t);
            REQUIRE(line["verdict"] == to_string(verdict.kind));
            if (verdict.scored()) {
                REQUIRE(line["score"].get<double>() == verdict.score);
                REQUIRE(line["threshold"].get<double>() == verdict.threshold);
            }
            REQUIRE(line.value("missing", 0) == verdict.missing);
            anomalies += verdict.is_anomaly() ? 1 : 0;
            missing += verdict.missing;
        }
    }
    CHECK(anomalies > 0);
    CHECK(missing > 0);
    CHECK(counts.anomalies == anomalies);
    CHECK(counts.samples == 600);
    CHECK(counts.devices == 3);
    CHECK(!to.alarms().empty());
    CHECK(counts.latency.count() == 600);
}

TEST_CASE("gateway: a worker that stops anywhere is continued by another, bit for bit") {
    memory_source whole;
    metrics counts;
    add_fleet(whole, 5, 60);
    memory_sink expected;
    judge_by_one(whole, expected, counts);

    // Each worker sees all messages and makes a few steps: the checkpoints that it reached count,
    // samples judged after the last one are repeated.
    memory_store states;
    position_reader reader;
    for (int steps = 2;; steps += 3) {
        memory_source from;
        from.messages = whole.messages;
        memory_sink to;
        worker judge{shop().pumps(), from, to, states, counts, by_samples};
        for (int step = 0; step < steps && !from.ended(); ++step) {
            REQUIRE(judge.step(no_wait).ok());
        }
        for (const std::string& line : to.verdicts()) {
            reader.read(line);
        }
        if (from.ended()) {
            break;
        }
    }
    CHECK(reader.gaps == 0);
    CHECK(reader.repeats > 0);
    CHECK(reader.contradictions == 0);
    CHECK(reader.taken == by_device(expected.verdicts()));
    CHECK(counts.skipped > 0);
}

TEST_CASE("gateway: alarms are those of the library's alarm control, also after a hand-over") {
    const worker_settings settings = with_alarms("--m-of-n 1,6 --minimum-duration 3 --suppress 40");
    memory_source whole;
    metrics counts;
    add_fleet(whole, 5, 200);
    memory_sink expected;
    judge_by_one(whole, expected, counts, settings);
    const verdict_lines lines = by_device(expected.verdicts());
    int alarms = 0;
    int unlike = 0;
    for (const auto& [name, judged] : lines) {
        tocsin::alarm_chain chain{tocsin::m_of_n{1, 6}, tocsin::minimum_duration{3},
                                  tocsin::suppression{40}};
        bool before = false;
        for (const std::string& text : judged) {
            const json line = json::parse(text);
            const bool anomaly = line["verdict"] == "anomaly";
            const bool alarm = chain.push(anomaly);
            REQUIRE(line["alarm"] == alarm);
            alarms += alarm && !before ? 1 : 0;
            unlike += alarm != anomaly ? 1 : 0;
            before = alarm;
        }
    }
    CHECK(alarms > 4);
    CHECK(unlike > 20);
    CHECK(counts.alarms == alarms);
    CHECK(expected.alarms().size() >= static_cast<std::size_t>(2 * alarms - 5));

    // Every 50 messages are judged by another worker, from the states that the one before it left.
    for (const std::string options :
         {"--m-of-n 1,6 --minimum-duration 3 --suppress 40", "--hysteresis 0.2 --suppress 15"}) {
        CAPTURE(options);
        memory_store states;
        memory_sink together;
        memory_source again;
        again.messages = whole.messages;
        memory_sink at_once;
        judge_by_one(again, at_once, counts, with_alarms(options));
        for (auto first = whole.messages.begin(); first != whole.messages.end(); first += 50) {
            memory_source from;
            from.messages.assign(first, first + 50);
            worker judge{shop().pumps(), from, together, states, counts, with_alarms(options)};
            run(judge, from);
        }
        CHECK(together.verdicts() == at_once.verdicts());
        CHECK(together.alarms() == at_once.alarms());
        CHECK(!together.alarms().empty());
    }
}

TEST_CASE("gateway: verdicts name expected false alarms, and more anomalies than promised") {
    using promising = tocsin::detector<tocsin::forecaster<float>, tocsin::standard_scaler<float>,
                                       tocsin::mahalanobis<>, tocsin::alarm_rate>;
    const auto path = shop().folder / "promise.safetensors";
    REQUIRE(save_fleet_model(path, 1, tocsin::alarm_rate({.alarms = 1})).ok());
    const auto detector = tocsin::load_detector<promising>(path).value();
    const auto& rule = detector.rule();
    const auto rules = [] {
        return shop().rules(R"({"models":[{"prefix":"","file":"promise.safetensors"}]})");
    };
    constexpr int samples = 700;
    memory_source whole;
    for (int t = 0; t < samples; ++t) {
        whole.add(payload_of(0, t), 2 * t); // a fault every 97 samples
        // One fault that lasts, 2 to 5 standard deviations beside every forecast.
        const bool fault = t >= 300 && t < 600;
        const double first = 4 + std::sin(0.3 * t) + (fault ? 6 + 5 * (t % 2) : 0);
        whole.add("pump-1," + std::to_string(t) + ',' + std::to_string(first) + ',' +
                      std::to_string(20 - 5 * std::cos(0.3 * t)),
                  2 * t + 1);
    }
    for (const auto& settings : {by_samples, with_alarms("--m-of-n 2,3 --suppress 9")}) {
        metrics counts;
        memory_sink at_once;
        {
            memory_source from;
            from.messages = whole.messages;
            memory_store states;
            worker judge{rules(), from, at_once, states, counts, settings};
            run(judge, from);
        }
        const auto lines = by_device(at_once.verdicts());
        for (const std::string device : {"pump-0", "pump-1"}) {
            CAPTURE(device);
            REQUIRE(lines.at(device).size() == samples);
            tocsin::rate_monitor monitor(rule.promised());
            std::vector<double> scores;
            int exceeded = 0;
            for (const std::string& text : lines.at(device)) {
                const json line = json::parse(text);
                REQUIRE(line.contains("expected_false_alarms") == line.contains("score"));
                if (line.contains("score")) {
                    scores.push_back(line["score"]);
                    REQUIRE(line["expected_false_alarms"].get<double>() ==
                            rule.expected_false_alarms(scores.back()));
                    const auto clusters =
                        tocsin::find_clusters(scores, rule.level(), rule.gap()).peaks;
                    const auto alarms =
                        std::count_if(clusters.begin(), clusters.end(),
                                      [&](double peak) { return rule.exceeds(peak); });
                    monitor.push(alarms > monitor.alarms());
                }
                REQUIRE(line.value("rate_exceeded", false) == monitor.rate_exceeded());
                exceeded += line.contains("rate_exceeded") ? 1 : 0;
            }
            if (device == "pump-0") {
                CHECK(monitor.alarms() >= 6);
                CHECK(exceeded > 100);
                CHECK(exceeded < samples - 200); // not from the first faults on
            } else {
                CHECK(monitor.alarms() == 1);
                CHECK(exceeded == 0);
            }
        }
        for (const std::string& text : at_once.alarms()) {
            const json line = json::parse(text);
            CHECK((line["alarm"] != "begins" || line["expected_false_alarms"] < 1));
        }

        // Every 50 messages are judged by another worker.
        memory_store states;
        memory_sink together;
        for (auto first = whole.messages.begin(); first != whole.messages.end(); first += 50) {
            memory_source from;
            from.messages.assign(first, first + 50);
            worker judge{rules(), from, together, states, counts, settings};
            run(judge, from);
        }
        CHECK(together.verdicts() == at_once.verdicts());
        CHECK(together.alarms() == at_once.alarms());
        CHECK(counts.fresh_streams == 0);
        for (auto& [key, bytes] : states.safe) { // damage is noticed
            if (key.second.empty()) {
                continue;
            }
            bytes[bytes.size() - 20] ^= std::byte{1};
            memory_source from;
            memory_sink to;
            worker judge{rules(), from, to, states, counts, settings};
            CHECK_FALSE(judge.step(no_wait).ok());
            bytes[bytes.size() - 20] ^= std::byte{1};
        }
    }
    for (const std::string& text : [] {
             metrics counts;
             memory_source from;
             memory_sink to;
             add_fleet(from, 2, 40);
             judge_by_one(from, to, counts);
             return to.verdicts();
         }()) { // another rule knows neither
        CHECK(text.find("expected_false_alarms") == std::string::npos);
        CHECK(text.find("rate_exceeded") == std::string::npos);
    }
}

TEST_CASE("gateway: with other settings of alarms only these start afresh") {
    const auto judged = [](memory_store& states, int first, int last,
                           const worker_settings& settings) {
        memory_source from;
        memory_sink to;
        metrics counts;
        for (int t = first; t < last; ++t) {
            from.add(payload_of(2, t), t);
        }
        worker judge{shop().pumps(), from, to, states, counts, settings};
        run(judge, from);
        CHECK(counts.fresh_streams == 0);
        std::vector<json> lines;
        for (const std::string& line : to.verdicts()) {
            lines.push_back(json::parse(line));
        }
        return lines;
    };
    // Device 2 has a fault in sample 35.
    const worker_settings held = with_alarms("--m-of-n 1,20");
    const worker_settings longer = with_alarms("--m-of-n 1,30");
    for (const auto& [before, after, holds] : {std::tuple{held, held, true},
                                               {held, longer, false},
                                               {held, by_samples, false},
                                               {by_samples, held, false}}) {
        memory_store states;
        const auto first = judged(states, 0, 37, before);
        CHECK(first[35]["verdict"] == "anomaly");
        CHECK(first[35]["alarm"] == true);
        const auto second = judged(states, 37, 50, after);
        memory_store others;
        const auto uninterrupted = judged(others, 0, 50, after);
        for (std::size_t k = 0; k < second.size(); ++k) {
            CHECK(second[k]["position"] == 37 + k);
            CHECK(second[k]["verdict"] == uninterrupted[37 + k]["verdict"]);
            CHECK(second[k].value("score", 0.0) == uninterrupted[37 + k].value("score", 0.0));
        }
        CHECK(second.back()["verdict"] == "normal");
        CHECK(second.back()["alarm"] == holds);
    }
}

TEST_CASE("gateway: nothing is acknowledged before its state is safe") {
    memory_source from;
    memory_sink to;
    memory_store states;
    metrics counts;
    add_fleet(from, 2, 100);
    from.batch = 60;
    worker judge{shop().pumps(), from, to, states, counts, by_samples};
    REQUIRE(judge.step(no_wait).ok()); // assigns
    REQUIRE(judge.step(no_wait).ok());
    CHECK(from.acknowledged.at(0) == 60);
    states.works = false;
    const tocsin::status refused = judge.step(no_wait);
    CHECK(std::string{refused.message()} == "the store is full");
    CHECK(from.acknowledged.at(0) == 60);
}

TEST_CASE(
    "gateway: states keep what offsets count in, and a source that counts otherwise ends it") {
    memory_sink to;
    memory_store states;
    metrics counts;
    int offset = 0;
    const auto judge_from = [&](memory_source& from) {
        from.add(payload_of(0, offset), offset);
        ++offset;
        worker judge{shop().pumps(), from, to, states, counts, by_samples};
        tocsin::status done = judge.step(no_wait);
        done = done.ok() ? judge.step(no_wait) : done;
        return done.ok() ? judge.checkpoint() : done;
    };
    memory_source plain; // says nothing, as states of before
    CHECK(judge_from(plain).ok());
    memory_source named;
    named.counted_in = "a file";
    CHECK(judge_from(named).ok());
    CHECK(named.resumed_from.empty());
    memory_source again;
    again.counted_in = "a file that has grown";
    CHECK(judge_from(again).ok());
    CHECK(again.resumed_from == "a file");
    memory_source other;
    other.resumes = false;
    CHECK(std::string{judge_from(other).message()} == "another file");
    CHECK(other.resumed_from == "a file that has grown");
    CHECK(to.verdicts().size() == 3);
}

TEST_CASE("gateway: a checkpoint is made before the states of further partitions are read") {
    memory_source from;
    memory_sink to;
    memory_store states;
    metrics counts;
    add_fleet(from, 1, 20);
    worker judge{shop().pumps(), from, to, states, counts, by_samples};
    REQUIRE(judge.step(no_wait).ok()); // assigns
    REQUIRE(judge.step(no_wait).ok());
    REQUIRE(counts.samples == 7);
    REQUIRE(states.safe.empty());
    bool safe = false;
    states.before_read = [&] { safe = states.safe.contains({0, "pump-0"}); };
    constexpr std::int32_t further = 1;
    REQUIRE(judge.assigned({&further, 1}).ok());
    CHECK(safe);
    CHECK(from.acknowledged.at(0) == 7);
    REQUIRE(judge.assigned({&further, 1}).ok());
    CHECK(counts.checkpoints == 1); // none without samples
}

TEST_CASE("gateway: invalid messages go to the dead letters, and no valid sample is lost") {
    memory_source from;
    memory_sink to;
    memory_store states;
    metrics counts;
    const struct {
        std::string payload;
        std::string key;
        const char* reason;
    } poison[] = {
        {"\x01\x02\xFF", "", "neither"},
        {R"({"device":"valve-1","values":[1,2]})", "", "no rule has a model for device 'valve-1'"},
        {R"({"device":"pump-1","values":[1]})", "", "has 1 values, the model has 2"},
        {R"({"device":"pump-1","values":{"x":1}})", "", "'x' is not one of them"},
        {R"({"values":[1,2]})", "", "names no device"},
        {"pump-1,1,2,3", "pump-2", "device 'pump-1' has the key 'pump-2'"},
        {"pump-\xFF,1,2,3", "", "not UTF-8"},
        {"pump-" + std::string(300, 'x') + ",1,2,3", "", "305 bytes"},
        {R"({"device":"\u0000","values":[1,2]})", "", "control character"},
        {R"({"device":"pump-\n","values":[1,2]})", "", "control character"},
        {R"({"device":"pump-\u0085","values":[1,2]})", "", "control character"},
        {R"({"device":"pump-\uFFFE","values":[1,2]})", "", "control character"},
    };
    const std::size_t kinds = std::size(poison);
    for (int t = 0; t < 40; ++t) {
        from.add(payload_of(0, t), 2 * t);
        const auto& one = poison[static_cast<std::size_t>(t) % kinds];
        from.add(one.payload, 2 * t + 1, one.key);
    }
    worker judge{shop().pumps(), from, to, states, counts, by_samples};
    run(judge, from);
    REQUIRE(to.verdicts().size() == 40);
    REQUIRE(to.dead_letters().size() == 40);
    CHECK(counts.devices == 1); // invalid messages make no streams
    for (std::size_t k = 0; k < kinds; ++k) {
        const json letter = json::parse(to.dead_letters()[k]);
        CAPTURE(to.dead_letters()[k]);
        CHECK(letter["reason"].get<std::string>().find(poison[k].reason) != std::string::npos);
        CHECK(letter["offset"] == 2 * k + 1);
        CHECK(letter.contains("payload"));
    }
    // The valid samples were judged as if there had been nothing between them.
    memory_source pure;
    memory_sink expected;
    memory_store other;
    for (int t = 0; t < 40; ++t) {
        pure.add(payload_of(0, t), t);
    }
    worker alone{shop().pumps(), pure, expected, other, counts, by_samples};
    run(alone, pure);
    CHECK(to.verdicts() == expected.verdicts());
}

TEST_CASE("gateway: where the key keeps a device in its partition, there must be one") {
    memory_source from;
    memory_sink to;
    memory_store states;
    metrics counts;
    from.needs_keys = true;
    from.partitions = {0, 1};
    for (int t = 0; t < 10; ++t) {
        from.add(payload_of(1, t), 2 * t, "pump-1", 0);
        from.add(payload_of(1, t), 2 * t + 1, "", t % 2); // the payload names the device
    }
    worker judge{shop().pumps(), from, to, states, counts, by_samples};
    run(judge, from);
    CHECK(to.verdicts().size() == 10);
    CHECK(counts.devices == 1);
    REQUIRE(to.dead_letters().size() == 10);
    CHECK(to.dead_letters()[0].find("has no key") != std::string::npos);
}

TEST_CASE("gateway: there are no more streams than allowed") {
    memory_source from;
    memory_sink to;
    memory_store states;
    metrics counts;
    add_fleet(from, 4, 2);
    worker_settings few = by_samples;
    few.most_devices = 3;
    worker judge{shop().pumps(), from, to, states, counts, few};
    run(judge, from);
    CHECK(to.verdicts().size() == 6);
    REQUIRE(to.dead_letters().size() == 2);
    CHECK(to.dead_letters()[0].find("3 devices already") != std::string::npos);
}

TEST_CASE("gateway: the longest prefix decides, and unusable rules are refused with the reason") {
    const auto rules = shop().rules(R"({"models":[{"prefix":"","file":"other.safetensors"},
        {"prefix":"pump-1","file":"pump.safetensors"}]})");
    REQUIRE(rules.find("pump-12"));
    CHECK(rules.find("pump-12") != rules.find("pump-2"));
    CHECK(rules.find("pump-2")->identity() != rules.find("pump-12")->identity());
    const std::pair<const char*, const char*> wrong[] = {
        {"[]", "not a JSON object with an array 'models'"},
        {"{", "is not JSON: "},
        {R"({"models":[]})", "names no model"},
        {R"({"models":[{"prefix":"a"}]})", "needs the strings 'prefix' and 'file'"},
        {R"({"models":[{"prefix":"a","file":"none.safetensors"}]})", "none.safetensors"},
        {R"({"models":[{"prefix":"a","file":"pump.safetensors"},
                       {"prefix":"a","file":"pump.safetensors"}]})",
         "prefix 'a' occurs twice"},
        {R"({"models":[{"prefix":"a","file":"pump.safetensors","identity":"0123"}]})",
         "the rule requires \"0123\""},
        {R"({"models":[{"prefix":"a","file":"pump.safetensors","idenity":"0123"}]})",
         "the rule of prefix 'a' has an unknown member 'idenity'"},
        {R"({"models":[{"prefix":"a","file":"pump.safetensors"}],"modles":[]})",
         "has an unknown member 'modles'"},
        {R"({"models":[{"prefix":"a","file":"pump.safetensors","":"0123"}]})",
         "has an unknown member ''"},
    };
    for (const auto& [text, reason] : wrong) {
        std::ofstream{shop().folder / "wrong.json"} << text;
        const auto loaded = model_rules::load(shop().folder / "wrong.json");
        REQUIRE(!loaded.ok());
        CAPTURE(loaded.error().message());
        CHECK(std::string{loaded.error().message()}.find(reason) != std::string::npos);
    }
}

TEST_CASE("gateway: a model that changes does so between two samples; its streams start afresh") {
    const std::string one = R"({"models":[{"prefix":"pump-","file":"pump.safetensors"}]})";
    const std::string other = R"({"models":[{"prefix":"pump-","file":"other.safetensors"}]})";
    memory_source from;
    memory_sink to;
    memory_store states;
    metrics counts;
    add_fleet(from, 2, 60);
    from.batch = 60;
    {
        worker judge{shop().rules(one), from, to, states, counts, by_samples};
        REQUIRE(judge.step(no_wait).ok());
        REQUIRE(judge.step(no_wait).ok());
        // The same model again: nothing happens to the streams.
        REQUIRE(judge.change_rules(shop().rules(one)).ok());
        CHECK(counts.fresh_streams == 0);
        REQUIRE(judge.change_rules(shop().rules(other)).ok());
        run(judge, from);
    }
    CHECK(counts.fresh_streams == 2);
    REQUIRE(to.verdicts().size() == 120);
    const auto before = shop().rules(one).find("pump-0")->identity();
    const auto after = shop().rules(other).find("pump-0")->identity();
    const auto lines = by_device(to.verdicts()).at("pump-0");
    for (std::size_t t = 0; t < 60; ++t) {
        const json line = json::parse(lines[t]);
        CHECK(line["position"] == t); // continues
        CHECK(line["model"] == (t < 30 ? before : after));
    }
    CHECK(json::parse(lines[30])["verdict"] == "warming_up");

    // The same across a restart: the state belongs to another model.
    memory_sink later;
    memory_source more;
    more.add(payload_of(0, 60), 120);
    worker next{shop().rules(one), more, later, states, counts, by_samples};
    run(next, more);
    REQUIRE(later.verdicts().size() == 1);
    CHECK(json::parse(later.verdicts()[0])["position"] == 60);
    CHECK(json::parse(later.verdicts()[0])["verdict"] == "warming_up");
    CHECK(counts.fresh_streams == 4); // of both devices
}

TEST_CASE("gateway: a device whose rule is removed waits for another rule") {
    memory_source from;
    memory_source whole;
    memory_sink to;
    memory_store states;
    metrics counts;
    from.batch = 20;
    for (int t = 0; t < 60; ++t) {
        from.add(payload_of(0, t < 40 ? t : t - 20), t); // the same samples again, after the gap
        if (t < 40) {
            whole.add(payload_of(0, t), t);
        }
    }
    memory_sink expected;
    judge_by_one(whole, expected, counts);
    worker judge{shop().pumps(), from, to, states, counts, by_samples};
    REQUIRE(judge.step(no_wait).ok()); // assigns
    REQUIRE(judge.step(no_wait).ok());
    REQUIRE(judge
                .change_rules(
                    shop().rules(R"({"models":[{"prefix":"valve-","file":"pump.safetensors"}]})"))
                .ok());
    REQUIRE(judge.step(no_wait).ok());
    CHECK(to.verdicts().size() == 20);
    REQUIRE(to.dead_letters().size() == 20);
    CHECK(to.dead_letters()[0].find("no rule has a model for device 'pump-0'") !=
          std::string::npos);
    REQUIRE(judge.change_rules(shop().pumps()).ok());
    run(judge, from);
    CHECK(to.verdicts() == expected.verdicts());
}

TEST_CASE("gateway: a state without a rule is continued once a rule is added") {
    memory_source whole;
    metrics counts;
    add_fleet(whole, 2, 60);
    memory_sink expected;
    judge_by_one(whole, expected, counts);

    memory_store states;
    memory_sink to;
    memory_source first;
    first.messages.assign(whole.messages.begin(), whole.messages.begin() + 60);
    worker before{shop().pumps(), first, to, states, counts, by_samples};
    run(before, first);
    memory_source from;
    from.messages.assign(whole.messages.begin() + 60, whole.messages.end());
    // The next gateway starts with rules that have forgotten one device.
    worker judge{shop().rules(R"({"models":[{"prefix":"pump-1","file":"pump.safetensors"}]})"),
                 from,
                 to,
                 states,
                 counts,
                 by_samples};
    REQUIRE(judge.step(no_wait).ok()); // assigns
    CHECK(counts.devices == 1);
    REQUIRE(judge.change_rules(shop().pumps()).ok());
    CHECK(counts.devices == 2);
    run(judge, from);
    CHECK(to.verdicts() == expected.verdicts());
    CHECK(to.dead_letters().empty());
}

TEST_CASE("gateway: without offsets, repeats by the broker are recognised by their time") {
    memory_source from;
    memory_sink to;
    memory_store states;
    metrics counts;
    for (int t = 0; t < 20; ++t) {
        from.add(payload_of(0, t), -1);
    }
    for (int t = 15; t < 25; ++t) { // five of them again
        from.add(payload_of(0, t), -1);
        from.messages.back().repeated = true;
    }
    worker judge{shop().pumps(), from, to, states, counts, by_samples};
    run(judge, from);
    CHECK(to.verdicts().size() == 25);
    CHECK(counts.skipped == 5);
}

TEST_CASE("gateway: where samples are in order, a wrong time costs few of them") {
    const auto payload = [](double time) { return "pump-0," + std::to_string(time) + ",4,20"; };
    memory_source from;
    const auto add_to = [&](memory_source& source, double time) {
        source.add(payload(time), -1);
        source.messages.back().in_order = true;
    };
    const auto add = [&](double time) { add_to(from, time); };
    const auto reasons_of = [](const memory_sink& to) {
        std::vector<std::string> reasons;
        for (const std::string& line : to.verdicts()) {
            const json verdict = json::parse(line);
            reasons.push_back(verdict.value("reason", "") +
                              (verdict.contains("clock_reset") ? "!" : ""));
        }
        return reasons;
    };
    const std::string refused = to_string(tocsin::sample_reason::out_of_order);
    metrics counts;
    SUBCASE("one time far in the future, also across a hand-over") {
        for (int t = 0; t < 20; ++t) {
            add(t);
        }
        add(4e9);
        memory_store states;
        memory_sink before;
        {
            worker judge{shop().pumps(), from, before, states, counts, by_samples};
            run(judge, from);
        }
        CHECK(reasons_of(before).back() == refused);
        memory_source later;
        for (int t = 19; t < 40; ++t) { // one repeat
            add_to(later, t);
        }
        memory_sink after;
        worker judge{shop().pumps(), later, after, states, counts, by_samples};
        run(judge, later);
        CHECK(after.verdicts().size() == 20);
        CHECK(counts.skipped == 1);
        for (const std::string& reason : reasons_of(after)) {
            CHECK(reason != refused);
        }
    }
    SUBCASE("the samples that are skipped are counted across hand-overs") {
        for (int t = 0; t < 20; ++t) {
            add(1000 + t);
        }
        for (int t = 0; t < 150; ++t) { // the clock has been set back
            add(t);
        }
        memory_store of_one;
        memory_sink expected;
        {
            worker judge{shop().pumps(), from, expected, of_one, counts, by_samples};
            run(judge, from);
        }
        CHECK(counts.skipped == tocsin_gateway::device::most_repeats);
        REQUIRE(expected.verdicts().size() == 70);

        memory_store states;
        memory_sink together;
        for (auto first = from.messages.begin(); first != from.messages.end(); first += 10) {
            memory_source part;
            part.messages.assign(first, first + 10);
            worker judge{shop().pumps(), part, together, states, counts, by_samples};
            run(judge, part);
        }
        CHECK(counts.skipped == 2 * tocsin_gateway::device::most_repeats);
        CHECK(together.verdicts() == expected.verdicts());
    }
    SUBCASE("a clock that was set forward is taken over, and repeats are recognised again") {
        for (int t = 0; t < 20; ++t) {
            add(t);
        }
        for (int t = 0; t < 20; ++t) {
            add(5e6 + t);
        }
        add(5e6 + 18);
        add(5e6 + 19);
        add(5e6 + 20);
        memory_store states;
        memory_sink to;
        worker judge{shop().pumps(), from, to, states, counts, by_samples};
        run(judge, from);
        REQUIRE(to.verdicts().size() == 41);
        CHECK(counts.skipped == 2);
        const auto reasons = reasons_of(to);
        CHECK(std::count(reasons.begin(), reasons.end(), refused) == 2);
        CHECK(reasons[22].ends_with('!'));
    }
    SUBCASE("a first time in the future: later samples are no repeats once they are too many") {
        add(4e9);
        for (int t = 0; t < 150; ++t) {
            add(t);
        }
        for (int t = 140; t < 150; ++t) { // repeats
            add(t);
        }
        memory_store states;
        memory_sink to;
        worker judge{shop().pumps(), from, to, states, counts, by_samples};
        run(judge, from);
        CHECK(counts.skipped == tocsin_gateway::device::most_repeats + 10);
        REQUIRE(to.verdicts().size() == 51);
        const auto reasons = reasons_of(to);
        CHECK(std::count(reasons.begin(), reasons.end(), refused) == 2);
        CHECK(reasons[3].ends_with('!'));
    }
    SUBCASE("marked repeats are repeats, however many") {
        for (int t = 0; t < 300; ++t) {
            add(t);
        }
        for (int t = 0; t < 300; ++t) {
            add(t);
            from.messages.back().repeated = true;
        }
        memory_store states;
        memory_sink to;
        worker judge{shop().pumps(), from, to, states, counts, by_samples};
        run(judge, from);
        CHECK(to.verdicts().size() == 300);
        CHECK(counts.skipped == 300);
    }
}

TEST_CASE("gateway: a state that was saved before without the skipped samples is continued") {
    memory_source whole;
    metrics counts;
    add_fleet(whole, 1, 60);
    for (const std::string options : {"", "--m-of-n 2,3"}) {
        CAPTURE(options);
        const worker_settings settings = options.empty() ? by_samples : with_alarms(options);
        memory_sink expected;
        memory_source at_once;
        at_once.messages = whole.messages;
        judge_by_one(at_once, expected, counts, settings);

        memory_store states;
        memory_sink to;
        memory_source first;
        first.messages.assign(whole.messages.begin(), whole.messages.begin() + 37); // in an alarm
        worker before{shop().pumps(), first, to, states, counts, settings};
        run(before, first);

        // Magic, offset, position, time, 2 new numbers, alarm, 2 texts, whether there is control and
        // (new) whether a promise, control, checksum.
        auto& bytes = states.safe.at({0, "pump-0"});
        const auto cut = [&](std::size_t at, std::size_t numbers) {
            const auto begin = bytes.begin() + static_cast<std::ptrdiff_t>(at);
            bytes.erase(begin, begin + static_cast<std::ptrdiff_t>(8 * numbers));
        };
        std::size_t at = 7 * 8;
        for (int text = 0; text < 2; ++text) {
            std::uint64_t size = 0;
            tocsin::byte_reader(std::span<const std::byte>(bytes).subspan(at)).scalar(size);
            at += 8 + static_cast<std::size_t>(size);
        }
        cut(at, 2);
        cut(4 * 8, 2);
        bytes[7] = static_cast<std::byte>(options.empty() ? '1' : '2'); // of the magic
        bytes.resize(bytes.size() - 4);
        tocsin::byte_writer checksum;
        checksum.scalar(tocsin::crc32(bytes));
        bytes.insert(bytes.end(), checksum.bytes().begin(), checksum.bytes().end());

        memory_source second;
        second.messages.assign(whole.messages.begin() + 37, whole.messages.end());
        worker after{shop().pumps(), second, to, states, counts, settings};
        run(after, second);
        CHECK(to.verdicts() == expected.verdicts());
    }
}

TEST_CASE("gateway: states that are damaged are refused with the device") {
    memory_source from;
    memory_sink to;
    memory_store states;
    metrics counts;
    add_fleet(from, 1, 60);
    worker judge{shop().pumps(), from, to, states, counts, with_alarms("--m-of-n 2,3")};
    run(judge, from);
    auto& bytes = states.safe.at({0, "pump-0"});
    for (std::size_t k = 0; k < bytes.size(); k += 37) {
        auto damaged = bytes;
        damaged[k] ^= std::byte{4};
        bytes.swap(damaged);
        memory_source again;
        again.add(payload_of(0, 60), 60);
        worker next{shop().pumps(), again, to, states, counts, by_samples};
        const tocsin::status refused = next.step(no_wait);
        CHECK(!refused.ok());
        CHECK(std::string{refused.message()}.find("device 'pump-0'") != std::string::npos);
        bytes.swap(damaged);
    }
    for (std::size_t size = 0; size < bytes.size(); size += 41) {
        const auto whole = bytes;
        bytes.resize(size);
        memory_source again;
        worker next{shop().pumps(), again, to, states, counts, by_samples};
        CHECK(!next.step(no_wait).ok());
        bytes = whole;
    }
}

TEST_CASE("gateway: quantiles of latency are at most a fifth too large") {
    tocsin_gateway::latency_histogram histogram;
    CHECK(histogram.quantile(0.5) == 0);
    for (int k = 1; k <= 1000; ++k) {
        histogram.add(std::chrono::microseconds{10 * k});
    }
    for (const double share : {0.5, 0.9, 0.99, 0.999}) {
        CHECK(histogram.quantile(share) >= 0.01 * share);
        CHECK(histogram.quantile(share) <= 1.2001 * 0.01 * share + 1e-5);
    }
    histogram.add(std::chrono::hours{10}); // beyond the last limit
    CHECK(histogram.count() == 1001);
    CHECK(histogram.sum() == doctest::Approx(5.005 + 36000));
    CHECK(histogram.quantile(0.99) < 1);
    CHECK(std::isinf(histogram.quantile(1)));
}

TEST_CASE("gateway: a latency beyond the last limit is below infinity only") {
    metrics counts;
    counts.latency.add(std::chrono::minutes{5});
    counts.latency.add(std::chrono::hours{1});
    const std::string text = counts.prometheus();
    const auto bucket = [&](const std::string& limit) {
        const std::string name = "tocsin_gateway_latency_seconds_bucket{le=\"" + limit + "\"} ";
        const auto at = text.find(name);
        REQUIRE(at != std::string::npos);
        return std::stoi(text.substr(at + name.size()));
    };
    std::array<char, 32> last{};
    using tocsin_gateway::latency_histogram;
    std::snprintf(last.data(), last.size(), "%.4g",
                  latency_histogram::limit(latency_histogram::buckets - 1));
    CHECK(bucket(last.data()) == 1);
    CHECK(bucket("+Inf") == 2);
    CHECK(text.find("tocsin_gateway_latency_seconds_count 2\n") != std::string::npos);
}
