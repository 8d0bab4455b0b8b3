// The program of the microcontroller: runs the self-test, then judges the recording. It prints in
// the format of verdicts.txt, so that both can be compared.
#include "pump.hpp"
#include "recording.hpp"
#include "semihosting.hpp"

constinit tocsin::firmware::watcher<pump::model> pump_watcher;

int main() {
    if (pump_watcher.self_test() != tocsin::firmware::self_test_result::passed) {
        put("self-test failed\n");
        leave(1);
    }
    bool first = true;
    auto before = tocsin::firmware::verdict_kind::normal;
    uint32_t number = 0;
    for (const auto& sample : recording) {
        const auto verdict = pump_watcher.push(sample);
        if (first || verdict.kind != before) {
            put("sample ");
            put_number(number);
            put(": ");
            put(to_string(verdict.kind));
            put("\n");
        }
        before = verdict.kind;
        first = false;
        ++number;
    }
    leave(0);
}
