// Compares tocsin with its peers, interleaved in one process. `compare --help` lists the options;
// docs/benchmarks.md describes what is measured, docs/performance.md has the results.
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cases.hpp"
#include "found_peers.hpp"
#include "timing.hpp"
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <map>
#include <regex>
#include <string>

namespace tocsin_bench {
namespace {

struct row {
    std::string name;
    double time_ns = 0;
    double spread = 0;
    double bound_fraction = std::nan("");
    std::map<std::string, double> ratio; // of peers, and the best of each family
};

/// || other - ours || / || ours ||
double difference(const std::vector<double>& ours, const std::vector<double>& other) {
    if (ours.size() != other.size()) {
        return std::numeric_limits<double>::infinity();
    }
    double squares = 0;
    double norm = 0;
    for (std::size_t k = 0; k < ours.size(); ++k) {
        squares += (other[k] - ours[k]) * (other[k] - ours[k]);
        norm += ours[k] * ours[k];
    }
    return std::sqrt(squares / norm);
}

/// Removes peers whose results differ, with a message.
/// @return whether all agreed
bool keep_those_who_agree(const bench_case& which, competition& all) {
    bool agreed = true;
    const std::vector<double> expected = all.ours->outputs();
    std::erase_if(all.others, [&](auto& other) {
        if (!other.same_outputs) {
            return false;
        }
        const double off = difference(expected, other.work->outputs());
        if (off <= which.tolerance) { // false for NaN
            return false;
        }
        std::fprintf(stderr, "%s: %s differs from tocsin by %.3g, more than %.3g: left out\n",
                     which.name.c_str(), other.name.c_str(), off, which.tolerance);
        agreed = false;
        return true;
    });
    return agreed;
}

row measure(const bench_case& which, const competition& all, const timing_settings& settings) {
    std::vector<job*> jobs{all.ours.get()};
    for (const auto& other : all.others) {
        jobs.push_back(other.work.get());
    }
    if (all.bound) {
        jobs.push_back(all.bound.get());
    }
    const auto times = measure_interleaved(jobs, settings, all.clock);
    row result{which.name, median(times[0]), spread(times[0]), std::nan(""), {}};
    for (std::size_t k = 0; k < all.others.size(); ++k) {
        const competitor& other = all.others[k];
        const double ratio = median_ratio(times[k + 1], times[0]);
        if (other.name != other.family) {
            result.ratio[other.name] = ratio;
        }
        const auto [best, first] = result.ratio.try_emplace(other.family, ratio);
        best->second = std::min(best->second, ratio);
    }
    if (all.bound) {
        result.bound_fraction = median_ratio(times.back(), times[0]);
    }
    return result;
}

std::string time_text(double nanoseconds) {
    char text[32];
    if (nanoseconds < 1e4) {
        std::snprintf(text, sizeof text, "%.1f ns", nanoseconds);
    } else if (nanoseconds < 1e6) {
        std::snprintf(text, sizeof text, "%.2f us", nanoseconds * 1e-3);
    } else {
        std::snprintf(text, sizeof text, "%.2f ms", nanoseconds * 1e-6);
    }
    return text;
}

void print(const row& result, const bench_case& which) {
    std::printf("%-52s %11s +-%4.1f %% %7.2f %-7s", result.name.c_str(),
                time_text(result.time_ns).c_str(), 100 * result.spread, which.work / result.time_ns,
                which.unit);
    if (!std::isnan(result.bound_fraction)) {
        std::printf("  bound %.2f", result.bound_fraction);
    }
    for (const auto& [name, ratio] : result.ratio) {
        std::printf("  %s %.2f", name.c_str(), ratio);
    }
    std::printf("\n");
    std::fflush(stdout);
}

nlohmann::ordered_json to_json(const row& result) {
    nlohmann::ordered_json json;
    json["case"] = result.name;
    json["time_ns"] = result.time_ns;
    json["spread"] = result.spread;
    json["bound_fraction"] = nullptr;
    if (!std::isnan(result.bound_fraction)) {
        json["bound_fraction"] = result.bound_fraction;
    }
    json["ratio"] = nlohmann::ordered_json::object();
    for (const auto& [name, ratio] : result.ratio) {
        json["ratio"][name] = ratio;
    }
    return json;
}

int run(int argc, char** argv) {
    std::string filter(".*");
    std::string wanted_peers(".*");
    std::string json_path;
    std::string export_folder;
    timing_settings settings;
    bool list = false;
    bool list_peers = false;
    CLI::App app("Measures tocsin and its peers: median time of a repetition, interquartile "
                 "range, rate, fraction of the bound, and time of each peer / time of tocsin");
    app.add_option("--filter", filter, "only cases whose name matches this regular expression");
    app.add_option("--json", json_path, "write the rows to this file");
    app.add_option("--repetitions", settings.rounds, "samples of each competitor")
        ->capture_default_str()
        ->check(CLI::PositiveNumber);
    app.add_option("--min-time", settings.minimum_seconds, "seconds that one sample takes at least")
        ->capture_default_str()
        ->check(CLI::NonNegativeNumber);
    app.add_option("--with", wanted_peers, "only peers whose name matches this regular expression");
    app.add_flag("--list", list, "print name, work of a repetition and unit of all cases");
    app.add_flag("--peers", list_peers, "print which peers were found, with versions");
    app.add_option("--export", export_folder, "write the data of cases with Python peers there");
    CLI11_PARSE(app, argc, argv);

    std::vector<const peer*> peers = found_peers();
    if (list_peers) {
        for (const peer* const one : peers) {
            std::printf("%s: %s\n", one->name().c_str(), one->version().c_str());
        }
        for (const char* const missing : missing_peers()) {
            std::printf("%s\n", missing);
        }
        return 0;
    }
    if (!export_folder.empty()) {
        if (!export_for_python(export_folder)) {
            std::fprintf(stderr, "--export %s: cannot write\n", export_folder.c_str());
            return 1;
        }
        return 0;
    }
    std::regex pattern;
    std::regex peer_pattern;
    try {
        pattern = std::regex(filter);
        peer_pattern = std::regex(wanted_peers);
    } catch (const std::regex_error&) {
        std::fprintf(stderr, "--filter %s --with %s: not regular expressions\n", filter.c_str(),
                     wanted_peers.c_str());
        return 1;
    }
    std::erase_if(peers,
                  [&](const peer* one) { return !std::regex_search(one->name(), peer_pattern); });
    for (const char* const missing : list ? std::vector<const char*>{} : missing_peers()) {
        std::fprintf(stderr, "%s\n", missing);
    }

    bool agreed = true;
    nlohmann::ordered_json rows = nlohmann::ordered_json::array();
    for (const bench_case& which : all_cases()) {
        if (!std::regex_search(which.name, pattern)) {
            continue;
        }
        if (list) {
            std::printf("%s\t%.0f\t%s\n", which.name.c_str(), which.work, which.unit);
            continue;
        }
        competition all = which.make(peers);
        if (!all.ours) {
            std::fprintf(stderr, "%s: tocsin does not have it yet\n", which.name.c_str());
            continue;
        }
        agreed = keep_those_who_agree(which, all) && agreed;
        const row result = measure(which, all, settings);
        print(result, which);
        rows.push_back(to_json(result));
    }
    if (!json_path.empty()) {
        std::ofstream file(json_path);
        file << rows.dump(1) << '\n';
        if (!file.flush()) {
            std::fprintf(stderr, "--json %s: cannot write\n", json_path.c_str());
            return 1;
        }
    }
    return agreed ? 0 : 1;
}

} // namespace
} // namespace tocsin_bench

int main(int argc, char** argv) {
    return tocsin_bench::run(argc, argv);
}
