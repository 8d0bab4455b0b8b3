#include "tocsin/training/callbacks.hpp"
#include "tocsin/training/classifier_state.hpp"
#include "tocsin/training/fit.hpp"

#include <doctest/doctest.h>

#include "support/own_policies.hpp"
#include "support/small_detectors.hpp"
#include <algorithm>
#include <cstdio>
#include <limits>
#include <string>
#include <vector>

using tocsin::epoch_record;
using tocsin::training_state;

namespace {

/// A file in memory, or as close as the C library gets.
class captured_output {
  public:
    captured_output() : file_{std::tmpfile()} { REQUIRE(file_ != nullptr); }
    captured_output(const captured_output&) = delete;
    captured_output& operator=(const captured_output&) = delete;
    ~captured_output() { std::fclose(file_); }
    std::FILE* file() const { return file_; }
    std::string text() const {
        std::rewind(file_);
        std::string all;
        for (int character = std::fgetc(file_); character != EOF; character = std::fgetc(file_)) {
            all += static_cast<char>(character);
        }
        return all;
    }

  private:
    std::FILE* file_;
};

/// Calls a callback for epoch `epoch` (counted from 0) of `planned`.
template <class Callback>
void tell(Callback& callback, int epoch, int planned) {
    training_state<float> state;
    state.best_rmse = 0.125;
    const epoch_record record{epoch, 0.5, 0.25, 0.125, 0.001, 2};
    callback(tocsin::epoch_event<float>{record, state, planned});
}

/// The same of a classifier.
template <class Callback>
void tell_of_classifier(Callback& callback, double validation_loss) {
    const tocsin::classifier_state<float> state;
    tocsin::classification_record record;
    record.epoch = 1;
    record.training_loss = 0.5;
    record.validation_loss = validation_loss;
    record.validation.auc = 0.75;
    callback(tocsin::classification_event<float>{record, state, 4});
}

bool contains(const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
}
auto count_of(const std::string& text, char character) {
    return std::count(text.begin(), text.end(), character);
}

} // namespace

TEST_SUITE("training") {
    TEST_CASE("progress bar: fills as epochs pass, on one line") {
        const captured_output output;
        tocsin::progress_bar bar(output.file());
        tell(bar, 0, 4);
        std::string text = output.text();
        CHECK(text[0] == '\r');
        CHECK(contains(text, "[####............] 1/4"));
        CHECK(contains(text, "loss 0.5000"));
        CHECK(contains(text, "RMSE 0.2500 (best 0.1250)"));
        CHECK(contains(text, " left"));
        CHECK(count_of(text, '\n') == 0);
        CHECK(text.size() < 80); // columns of a terminal

        tell(bar, 3, 4);
        text = output.text();
        CHECK(contains(text, "[################] 4/4"));
        CHECK(contains(text, "0:00 left"));
        CHECK(count_of(text, '\r') == 2);
        bar.finish();
        bar.finish(); // only once
        CHECK(count_of(output.text(), '\n') == 1);
    }

    TEST_CASE("progress bar: nothing drawn, nothing to finish") {
        const captured_output output;
        tocsin::progress_bar bar(output.file());
        bar.finish();
        CHECK(output.text().empty());
    }

    TEST_CASE("progress bar: starts in the middle when training resumes from a checkpoint") {
        const captured_output output;
        tocsin::progress_bar bar(output.file());
        tell(bar, 7, 10);
        CHECK(contains(output.text(), "8/10"));
        CHECK(count_of(output.text(), '#') == 12); // 16 * 8 / 10
    }

    TEST_CASE("progress bar: a classifier has a loss and an AUC, if they are measured") {
        const captured_output output;
        tocsin::progress_bar bar(output.file());
        tell_of_classifier(bar, 0.25);
        const std::string text = output.text();
        CHECK(contains(text, "[########........] 2/4  loss 0.5000  validation 0.2500  AUC 0.75  "));
        CHECK(text.size() < 80);
        const captured_output unmeasured;
        tocsin::progress_bar other(unmeasured.file());
        tell_of_classifier(other, std::numeric_limits<double>::quiet_NaN());
        CHECK(contains(unmeasured.text(), "2/4  loss 0.5000  0:00 left"));
    }

    TEST_CASE("log line: one line of key=value pairs per epoch") {
        const captured_output output;
        tocsin::log_line log(output.file());
        tell(log, 0, 3);
        tell(log, 1, 3);
        CHECK(output.text() ==
              "epoch=1 training_loss=0.5 validation_rmse=0.25 validation_mae=0.125 "
              "learning_rate=0.001 gradient_norm=2\n"
              "epoch=2 training_loss=0.5 validation_rmse=0.25 validation_mae=0.125 "
              "learning_rate=0.001 gradient_norm=2\n");
    }

    TEST_CASE("log line: of a classifier") {
        const captured_output output;
        tocsin::log_line log(output.file());
        tell_of_classifier(log, 0.25);
        CHECK(output.text() == "epoch=2 training_loss=0.5 validation_loss=0.25 validation_f1=0 "
                               "validation_auc=0.75 learning_rate=0 gradient_norm=0\n");
    }

    TEST_CASE("callbacks: each receives every epoch, in the order given; any can end training") {
        const auto values = tocsin_test::waves<float>(2, 40, 1);
        const auto windows = tocsin_test::windows_over(values, 5);
        const tocsin_test::window_mean<float> model(2);
        const auto how = tocsin_test::quick_trainer(6);
        auto state = training_state<float>::fresh(model, how.optimiser, 1);
        std::vector<int> epochs;
        const auto stop_at_third = [&](const auto& event) {
            CHECK(event.planned_epochs == 6);
            CHECK(event.state.finished_epochs() == event.record.epoch + 1);
            CHECK(&event.state == &state);
            epochs.push_back(event.record.epoch);
            return event.record.epoch < 2;
        };
        // A callback without a result never ends training, and is called even when the one before
        // ends it.
        const auto watch = [&](const auto& event) { epochs.push_back(10 + event.record.epoch); };
        const captured_output output;
        tocsin::log_line log(output.file());
        REQUIRE(how.fit(model, windows, {}, state, stop_at_third, watch, log).ok());
        CHECK(epochs == std::vector<int>{0, 10, 1, 11, 2, 12});
        CHECK(state.finished_epochs() == 3);
        CHECK(count_of(output.text(), '\n') == 3);
    }

    TEST_CASE("callbacks: one takes the event and returns nothing or a bool, others are refused") {
        using event = tocsin::epoch_event<float>;
        const auto silent = [](const event&) {};
        const auto deciding = [](const event&) { return true; };
        const auto counting = [](const event&) { return 3; };
        const auto of_the_record = [](const epoch_record&) {};
        const auto of_doubles = [](const tocsin::epoch_event<double>&) {};
        CHECK(tocsin::training_callback<decltype(silent)>);
        CHECK(tocsin::training_callback<decltype(silent)&>);
        CHECK(tocsin::training_callback<decltype(deciding)>);
        CHECK(tocsin::training_callback<tocsin::progress_bar>);
        CHECK(tocsin::training_callback<tocsin::progress_bar, double>);
        CHECK(tocsin::training_callback<const tocsin::log_line>);
        CHECK_FALSE(tocsin::training_callback<const tocsin::progress_bar>);
        CHECK_FALSE(tocsin::training_callback<decltype(counting)>);
        CHECK_FALSE(tocsin::training_callback<decltype(of_the_record)>);
        CHECK_FALSE(tocsin::training_callback<decltype(of_doubles)>);
        CHECK(tocsin::training_callback<decltype(of_doubles), double>);
    }
}
