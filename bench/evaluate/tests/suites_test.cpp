#include "tocsin/core/random.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "io/temporary_directory.hpp"
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <sys/wait.h>

/// Path of the program; CMake writes its definition.
extern const char* const evaluate_path;

namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using tocsin_test::temporary_directory;

int run(const temporary_directory& directory, const std::string& arguments) {
    const std::string command = std::string("env -u TOCSIN_DATA_DIR '") + evaluate_path +
                                "' --data '" + (directory / "").string() + "' --out '" +
                                (directory / "results.json").string() + "' " + arguments + " >'" +
                                (directory / "stdout").string() + "' 2>'" +
                                (directory / "stderr").string() + "'";
    const int code = std::system(command.c_str());
    return WIFEXITED(code) ? WEXITSTATUS(code) : -1;
}

std::string text_of(const fs::path& path) {
    std::ifstream file{path};
    return {std::istreambuf_iterator<char>{file}, {}};
}

json results_of(const temporary_directory& directory) {
    return json::parse(text_of(directory / "results.json"));
}

std::ofstream create(const fs::path& path) {
    fs::create_directories(path.parent_path());
    return std::ofstream{path};
}

/// A noisy wave of period 20 that differs in `[begin, end)`.
double value_at(int t, int begin, int end, tocsin::random_generator& random) {
    const double wave = std::sin(6.283185307 * t / 20) + 0.05 * random.normal();
    return t >= begin && t < end ? 3 - wave : wave;
}

void write_nab(const fs::path& root) {
    tocsin::random_generator random(1);
    for (const char* name : {"some/a stream.csv", "b.csv"}) {
        auto file = create(root / "data" / name);
        file << "timestamp,value\n";
        for (int t = 0; t < 500; ++t) {
            file << "2014-01-" << 10 + t / 48 << ' ' << 10 + t % 48 / 4 << ':' << 10 + t % 4 * 15
                 << ":00," << value_at(t, 300, 310, random) << '\n';
        }
    }
    create(root / "windows.csv") << "file,window,start_ts,end_ts,start_idx,end_idx_incl\n"
                                    "some/a stream.csv,0,x,y,290,339\n"
                                    "b.csv,0,x,y,295,330\n";
    auto file = create(root / "tsb/any name.csv");
    file << "Data,Label\n";
    for (int t = 0; t < 400; ++t) {
        file << value_at(t, 300, 330, random) << ',' << (t >= 300 && t < 330) << '\n';
    }
    create(root / "tsb/index.csv")
        << "tsb_file,train_len,label_intervals_incl,vus_window,set\n"
           "any name.csv,200,300-329,20,eval\nnot there.csv,200,1-2,20,tuning\n";
}

void write_nasa(const fs::path& root) {
    tocsin::random_generator random(2);
    for (const char* name : {"Q 1", "Z-9"}) {
        for (const char* part : {"train", "test"}) {
            auto file = create(root / part / (std::string(name) + ".csv"));
            file << "value,c1,c2\n";
            const bool test = part[1] == 'e';
            for (int t = 0; t < (test ? 600 : 900); ++t) {
                file << value_at(t, test ? 400 : 900, 430, random) << ',' << t / 50 % 2 << ",0\n";
            }
        }
    }
    create(root / "labels.csv") << "channel,spacecraft,start,end_incl,class\n"
                                   "Q 1,MOON,400,429,point\nZ-9,MARS,400,429,contextual\n";
    create(root / "tsb_u_index.csv")
        << "tsb_file,channel,column,first_row,ts_len,train_len,label_intervals_incl,vus_window\n"
           "u.csv,Q 1,0,100,500,150,300-329,20\n";
    create(root / "tsb_m_index.csv")
        << "tsb_file,channel,first_row,ts_len,train_len,label_intervals_incl,vus_window\n"
           "m.csv,Z-9,0,600,200,400-429,20\n";
}

void write_discords(const fs::path& root) {
    tocsin::random_generator random(3);
    auto file = create(root / "data/some series.csv");
    file << "time_s,volt,ampere\n";
    for (int t = 0; t < 1200; ++t) {
        const double value = value_at(t, 1000, 1040, random);
        file << 0.1 * t << ',' << value << ',' << 2 * value << '\n';
    }
    create(root / "labels.csv") << "series,start,end,kind,source\n"
                                   "some series,1000,1040,point,\"a, b\"\n";
    create(root / "splits.csv") << "series,protocol,role,start,end\n"
                                   "some series,mine,train,0,600\n"
                                   "some series,mine,val_normal,600,800\n"
                                   "some series,mine,test,800,1200\n";
    // Cycles of 100 rows; the test rows are partly in another series.
    const auto write_cycles = [&](const char* name, int rows, int begin, int end) {
        auto cycles = create(root / "data" / (std::string(name) + ".csv"));
        cycles << "ampere\n";
        for (int t = 0; t < rows; ++t) {
            cycles << value_at(t, begin, end, random) << '\n';
        }
    };
    write_cycles("cycles", 800, 630, 670);
    write_cycles("more cycles", 300, 230, 260);
    std::ofstream{root / "labels.csv", std::ios::app} << "cycles,600,700,cycle,\n"
                                                         "more cycles,200,300,cycle,\n";
    std::ofstream{root / "splits.csv", std::ios::app} << "cycles,whole,train,0,500\n"
                                                         "cycles,whole,val_normal,500,600\n"
                                                         "cycles,whole,val_anomalous,600,700\n"
                                                         "cycles,whole,test,700,800\n"
                                                         "more cycles,whole,test,0,300\n";
    auto weeks = create(root / "some series_weeks.csv");
    weeks << "week,start,end,monday,thesis_role,label_holiday,label_holiday_or_oct4\n";
    for (int k = 0; k < 7; ++k) { // weeks of 160 rows, 20 samples
        weeks << k << ',' << 160 * k << ',' << 160 * (k + 1) << ",x," << (k < 5 ? "train" : "test")
              << ',' << (k == 6) << ",0\n";
    }
}

/// Days of 2020-03 with a row every minute; in events the second sensor has other values.
void write_gecco(const fs::path& root) {
    tocsin::random_generator random(4);
    auto file = create(root / "works.csv");
    file << "timestamp,temperature,flow,anomaly\n";
    for (int t = 0; t < 5 * 1440; ++t) {
        const bool event = t % 2000 >= 400 && t % 2000 < 440;
        const bool missing = t % 500 == 100;
        file << "2020-03-0" << 1 + t / 1440 << (t / 60 % 24 < 10 ? " 0" : " ") << t / 60 % 24
             << (t % 60 < 10 ? ":0" : ":") << t % 60 << ":00," << value_at(t, 0, 0, random) << ',';
        if (!missing) {
            file << 100 + (event ? 50 : 0) + random.normal();
        }
        file << ',' << event << '\n';
    }
    create(root / "splits.csv") << "file,train_end,validation_end,test_end\n"
                                   "works.csv,2020-03-03 12:00:00,2020-03-04 00:00:00,"
                                   "2020-03-06 00:00:00\n";
}

/// A set of the UCR archive: noise, of which one class has a bump.
void write_ucr(const fs::path& root, const std::string& set, int length) {
    tocsin::random_generator random(static_cast<std::uint64_t>(length));
    for (const char* part : {"_TRAIN.tsv", "_TEST.tsv"}) {
        auto file = create(root / set / (set + part));
        for (int k = 0; k < 24; ++k) {
            file << (k % 3 == 0 ? 7 : -1);
            for (int t = 0; t < length; ++t) {
                const bool bump = k % 3 == 0 && t >= length / 2;
                file << '\t' << 0.2 * random.normal() + (bump ? 2 : 0);
            }
            file << '\n';
        }
    }
}

} // namespace

TEST_SUITE("evaluate") {

    TEST_CASE(
        "evaluate: each set of the UCR archive is a group of every method, with its spread and "
        "what was published") {
        const temporary_directory directory;
        write_ucr(directory / "ucr", "First", 12);
        write_ucr(directory / "ucr", "Second", 16);
        create(directory / "ucr/Third/Third_TRAIN.tsv") << "1\t2\t3\n2\t3\t4\n3\t4\t5\n";
        create(directory / "ucr/Third/Third_TEST.tsv") << "1\t2\t3\n";
        write_ucr(directory / "ucr", "Holes", 12);
        std::ofstream{directory / "ucr/Holes/Holes_TEST.tsv", std::ios::app} << "7\t1\tNaN\t3\n";
        write_ucr(directory / "ucr", "Ragged", 12);
        std::ofstream{directory / "ucr/Ragged/Ragged_TRAIN.tsv", std::ios::app} << "7\t1\t2\n";
        create(directory / "ucr/published.csv") << "dataset,classifier,mean,sd\n"
                                                   "First,fcn,0.875,0.01\n"
                                                   "First,other,0.5,0.01\n"
                                                   "Second,resnet,0.75,0.02\n";
        REQUIRE(run(directory, "--suite ucr --epochs 3 --seed 4 --seeds 2") == 0);
        const std::string notes = text_of(directory / "stderr");
        CHECK(notes.find("left out: Third: 3 classes") != std::string::npos);
        CHECK(notes.find("Holes_TEST.tsv: line 25: has a value NaN") != std::string::npos);
        CHECK(notes.find("Ragged_TRAIN.tsv: line 25: a series of 2 values, before 12") !=
              std::string::npos);
        const json results = results_of(directory);
        CHECK(results.at("files").size() == 2);
        REQUIRE(results.at("compared").size() == 3);
        json all = results.at("compared");
        all.push_back(results);
        for (const json& each : all) {
            const json& groups = each.at("groups");
            REQUIRE(groups.size() == 3);
            double sum = 0;
            for (const char* set : {"First", "Second"}) {
                REQUIRE(groups.contains(set));
                for (const char* name : {"accuracy", "f1", "auc_roc"}) {
                    CHECK(groups.at(set).contains(name));
                    CHECK(groups.at(set).at("spread").contains(name));
                }
                CHECK(groups.at(set).at("tp").get<double>() +
                          groups.at(set).at("fn").get<double>() ==
                      8);
                sum += groups.at(set).at("accuracy").get<double>();
            }
            CHECK(groups.at("mean of the sets").at("accuracy").get<double>() ==
                  doctest::Approx(sum / 2));
            CHECK(each.at("settings").at("epochs") == 3);
        }
        REQUIRE(results.at("published").size() == 2);
        CHECK(results.at("published")[0].at("group") == "First");
        CHECK(results.at("published")[0].at("accuracy") == 0.875);
        CHECK(results.at("published")[0].at("method") == "fcn, published, standard deviation 0.01");
        CHECK(results.at("published")[1].at("group") == "Second");
        const std::string table = text_of(directory / "stdout");
        const auto second = table.find("\nSecond");
        REQUIRE(second != std::string::npos);
        CHECK(table.find("stacked LSTM", second) != std::string::npos);
        CHECK(table.find("resnet, published", second) != std::string::npos);
        create(directory / "ucr/Second/Second_TEST.tsv") << "7\t1\t2\n";
        CHECK(run(directory, "--suite ucr --epochs 1") == 0); // of another length: left out
        create(directory / "ucr/Second/Second_TEST.tsv") << "7\tx\t2\n";
        CHECK(run(directory, "--suite ucr --epochs 1") == 3);
        CHECK(text_of(directory / "stderr").find("'x' is not a number") != std::string::npos);
    }

    TEST_CASE("evaluate: NAB's format gives scores of both protocols, by seed and on average") {
        const temporary_directory directory;
        write_nab(directory / "nab");
        REQUIRE(run(directory, "--suite nab --epochs 2 --seed 5 --seeds 2") == 0);
        const json results = results_of(directory);
        CHECK(results.at("seeds") == json({5, 6}));
        CHECK(results.at("per_seed").size() == 2);
        const json& totals = results.at("totals");
        for (const char* name : {"f1", "f0_5", "precision", "recall", "flagged_fraction", "auc_pr",
                                 "auc_roc", "vus_pr", "vus_roc", "nab_standard", "nab_low_fp",
                                 "nab_low_fn", "nab_standard_fixed", "mean_delay"}) {
            INFO(name);
            REQUIRE(totals.contains(name));
            CHECK(totals[name].get<double>() ==
                  doctest::Approx((results["per_seed"][0]["totals"][name].get<double>() +
                                   results["per_seed"][1]["totals"][name].get<double>()) /
                                  2));
            CHECK(results.at("spread").contains(name));
        }
        CHECK(totals["tp"].get<int>() == 2);
        CHECK(totals["fn"].get<int>() == 0);
        CHECK(totals["nab_standard"].get<double>() > 50);
        CHECK(totals["nab_standard"].get<double>() >= totals["nab_standard_fixed"].get<double>());
        CHECK(totals["vus_pr"].get<double>() > 0.5);
        CHECK(totals["flagged_fraction"].get<double>() < 0.2);
        CHECK(results.at("files").size() == 3);
        for (const json& other : results.at("compared")) {
            const auto name = other.at("method").get<std::string>();
            INFO(name);
            const bool seeded = name.find("LSTM") != std::string::npos ||
                                name.find("network") != std::string::npos ||
                                name == "k-means of windows";
            CHECK(other.at("per_seed").size() == (seeded ? 2 : 1));
        }
        CHECK(results.at("method") ==
              "nearest value (streams), LSTMs + linear models (recordings)");
        for (const json& other : results.at("compared")) {
            const auto name = other.at("method").get<std::string>();
            const char* const streaming = "NAB score, streaming";
            if (name == "nearest value") {
                CHECK(results.at("groups").at(streaming).at("tp") ==
                      other.at("groups").at(streaming).at("tp"));
                CHECK_FALSE(
                    results.contains("promises")); // the probation is too short for a promise
            }
            if (name == "LSTMs + linear models") {
                CHECK(totals.at("vus_pr") == other.at("totals").at("vus_pr"));
            }
        }
        CHECK(text_of(directory / "stdout").find("Numenta HTM") != std::string::npos);
    }

    TEST_CASE("evaluate: channels in NASA's format, also where commands never change") {
        const temporary_directory directory;
        write_nasa(directory / "nasa");
        REQUIRE(run(directory, "--suite nasa --epochs 2") == 0);
        const json results = results_of(directory);
        const json& totals = results.at("totals");
        CHECK(totals.at("tp").get<int>() + totals.at("fn").get<int>() == 2);
        CHECK(totals.at("tp").get<int>() == 2);
        CHECK(totals.at("flagged_fraction").get<double>() < 0.6); // 30 rows and 100 on each side
        CHECK(totals.contains("f0_5"));
        CHECK(totals.at("vus_pr").get<double>() > 0.5);
        const json& groups = results.at("groups");
        CHECK(groups.at("events, MOON").at("tp").get<int>() == 1);
        CHECK(groups.at("events, MARS").at("tp").get<int>() == 1);
        CHECK(groups.at("TSB-AD-U, VUS").contains("vus_pr"));
        CHECK(groups.at("TSB-AD-M, VUS").contains("vus_pr"));
        std::size_t found = 0;
        for (const json& other : results.at("compared")) {
            if (other.at("method") == "linear autoregression") {
                CHECK(other.at("totals").at("tp").get<int>() == 2);
                ++found;
            }
        }
        CHECK(found == 1);
        CHECK(results.at("method") ==
              "charts of linear forecasts (events), LSTMs + linear models (recordings)");
        const json& charts = results.at("compared").at(0);
        CHECK(charts.at("method") == "charts of linear forecasts");
        CHECK(charts.at("groups").at("events") == groups.at("events"));
        CHECK(charts.at("promises").size() == 3);
        CHECK_FALSE(charts.at("groups").at("TSB-AD-U, VUS").contains("vus_pr"));
        std::ofstream{directory / "nasa/tsb_u_index.csv", std::ios::app}
            << "v.csv,Q 1,0,200,500,150,300-329,20\n";
        CHECK(run(directory, "--suite nasa --epochs 1") == 3);
        CHECK(text_of(directory / "stderr").find("500 rows from row 200") != std::string::npos);
        fs::remove(directory / "nasa/test/Z-9.csv");
        CHECK(run(directory, "--suite nasa --epochs 1") == 4);
        CHECK(text_of(directory / "stderr").find("Z-9.csv") != std::string::npos);
    }

    TEST_CASE("evaluate: rules for NASA's events are compared without test parts") {
        const temporary_directory directory;
        write_nasa(directory / "nasa");
        fs::remove_all(directory / "nasa/test");
        REQUIRE(run(directory, "--suite nasa --epochs 1 --choose-settings") == 0);
        const json results = results_of(directory);
        CHECK(results.at("settings").contains("threshold"));
        CHECK(results.at("files").size() == 2); // shares of the training part
        const json& best = results.at("totals");
        CHECK(best.at("tp").get<int>() + best.at("fn").get<int>() > 6);
        CHECK(results.at("compared").size() == 29); // 25 rules for errors, 5 for charts
        for (const json& other : results.at("compared")) {
            CHECK(other.at("totals").contains("flagged_fraction"));
        }
        CHECK(run(directory, "--suite nasa --choose-settings --seeds 2") == 2);
        for (const char* name : {"Q 1", "Z-9"}) {
            create(directory / "nasa/train" / (std::string(name) + ".csv")) << "value\n1\n2\n";
        }
        CHECK(run(directory, "--suite nasa --choose-settings") == 3);
        CHECK(text_of(directory / "stderr").find("900 rows") != std::string::npos);
        CHECK(run(directory, "--suite skab --choose-settings") == 2);
        CHECK(text_of(directory / "stderr").find("'skab'") != std::string::npos);
    }

    TEST_CASE("evaluate: events after normal parts, and weeks ranked, in the format of discords") {
        const temporary_directory directory;
        write_discords(directory / "discords");
        REQUIRE(run(directory, "--suite discords --epochs 5") == 0);
        const json results = results_of(directory);
        const json& groups = results.at("groups");
        CHECK(groups.at("events, mine").at("tp").get<int>() == 1);
        CHECK(groups.at("events, mine").at("flagged_fraction").get<double>() < 0.5);
        CHECK(groups.at("weeks, some series").at("auc_roc").get<double>() == 1);
        CHECK(results.at("totals").at("recall").get<double>() == 1);
        const json& units = groups.at("units, whole/cycles + more cycles");
        CHECK(units.at("tp").get<int>() == 1);
        CHECK(units.at("tn").get<int>() + units.at("fp").get<int>() == 3);
        CHECK(units.at("auc_roc").get<double>() == 1);
        std::size_t found = 0;
        for (const json& other : results.at("compared")) {
            const auto name = other.at("method").get<std::string>();
            if (name.find("peaks over threshold") != std::string::npos ||
                name.find("several steps") != std::string::npos ||
                name.find("state per time") != std::string::npos) {
                INFO(name);
                CHECK(other.at("groups").at("events, mine").at("tp").get<int>() == 1);
                ++found;
            }
        }
        CHECK(found == 3);
        std::ofstream{directory / "discords/labels.csv", std::ios::app}
            << "some series,x,3,point,\n";
        CHECK(run(directory, "--suite discords --epochs 1") == 3);
        CHECK(text_of(directory / "stderr").find("'x' in column 'start'") != std::string::npos);
    }

    TEST_CASE("evaluate: labelled events are found in later rows, with and without the calendar") {
        const temporary_directory directory;
        write_gecco(directory / "gecco");
        REQUIRE(run(directory, "--suite gecco --epochs 4 --seeds 2") == 0);
        const json results = results_of(directory);
        for (const char* name :
             {"accuracy", "f1", "f2", "precision", "recall", "auc_roc", "auc_pr"}) {
            INFO(name);
            CHECK(results.at("totals").contains(name));
            CHECK(results.at("spread").contains(name));
        }
        CHECK(results.at("totals").at("auc_pr").get<double>() > 0.8);
        CHECK(results.at("groups").at("events").at("tp").get<int>() == 2); // rows 4400, 6400
        CHECK(results.at("groups").at("events").at("fn").get<int>() == 0);
        CHECK(results.at("groups").contains("training parts, each left out in turn"));
        CHECK(results.at("compared").size() == 20);
        for (const json& other : results.at("compared")) {
            if (other.at("settings").contains("epochs")) { // those of the command line
                CHECK(other.at("settings").at("epochs") == 4);
            }
        }
        int with_calendar = 0;
        for (const json& other : results.at("compared")) {
            CHECK(other.at("groups").contains("windows, threshold of validation rows only"));
            with_calendar += other.at("method").get<std::string>().ends_with(", calendar") ? 1 : 0;
        }
        CHECK(with_calendar >= 4);
        create(directory / "gecco/splits.csv")
            << "file,train_end,validation_end,test_end\nworks.csv,2020-03-03,never,2020-03-06\n";
        CHECK(run(directory, "--suite gecco --epochs 1") == 3);
        CHECK(text_of(directory / "stderr").find("'never' in column 'validation_end'") !=
              std::string::npos);
        create(directory / "gecco/splits.csv")
            << "file,train_end,validation_end,test_end\n"
               "works.csv,2020-03-03,2020-03-04,2020-03-04 00:30:00\n";
        CHECK(run(directory, "--suite gecco --epochs 1") == 3);
        CHECK(text_of(directory / "stderr").find("each needs 120 rows") != std::string::npos);
    }
}
