#include "report.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

namespace evaluate {
namespace {

constexpr int column_width = 9;

std::string padded(const std::string& text, std::size_t width) {
    return text + std::string(width > text.size() ? width - text.size() : 0, ' ');
}

/// One method over all seeds.
struct method_runs {
    const method_result* first = nullptr; ///< names, settings, order of files and groups
    std::vector<const seed_run*> runs;
    std::vector<const method_result*> results; ///< one per run

    /// Mean and spread of what `pick` takes from each result.
    template <class Pick>
    mean_and_spread summary(Pick&& pick) const {
        std::vector<metrics> lines;
        for (const method_result* result : results) {
            lines.push_back(pick(*result));
        }
        return summarise(lines);
    }
    mean_and_spread totals() const {
        return summary([](const method_result& result) { return result.totals; });
    }
    mean_and_spread group(std::size_t k) const {
        return summary([k](const method_result& result) { return result.groups[k].values; });
    }
    /// The mean of the runs, number by number.
    std::vector<promise_line> promises() const {
        std::vector<promise_line> means = first->promises;
        for (std::size_t k = 0; k < means.size(); ++k) {
            for (const auto member :
                 {&promise_line::pooled, &promise_line::median, &promise_line::files,
                  &promise_line::within, &promise_line::without, &promise_line::above,
                  &promise_line::expected, &promise_line::found, &promise_line::events}) {
                double sum = 0;
                for (const method_result* result : results) {
                    sum += result->promises[k].*member;
                }
                means[k].*member = sum / static_cast<double>(results.size());
            }
        }
        return means;
    }
    std::vector<file_result> files() const {
        std::vector<file_result> means = first->files;
        for (std::size_t k = 0; k < means.size(); ++k) {
            means[k].values =
                summary([k](const method_result& result) { return result.files[k].values; }).mean;
        }
        return means;
    }
};

std::vector<method_runs> by_method(const std::vector<seed_run>& runs) {
    std::vector<method_runs> methods;
    for (const method_result& first : runs.front().outcome.methods) {
        method_runs found{&first, {}, {}};
        for (const seed_run& run : runs) {
            for (const method_result& result : run.outcome.methods) {
                if (result.name == first.name) {
                    found.runs.push_back(&run);
                    found.results.push_back(&result);
                }
            }
        }
        methods.push_back(std::move(found));
    }
    return methods;
}

/// Lines of a table; an empty name is a rule across.
class table_text {
  public:
    void add(std::string name, const metrics& values) {
        lines_.push_back({std::move(name), values});
    }
    void rule() { lines_.push_back({"", {}}); }

    std::string text(const std::string& title) const {
        std::size_t width = title.size();
        for (const named_metrics& line : lines_) {
            width = std::max(width, line.name.size());
        }
        std::vector<metric_format> columns;
        for (const metric_format& format : metric_formats) {
            if (std::any_of(lines_.begin(), lines_.end(), [&](const named_metrics& line) {
                    return (line.values.*format.value).has_value();
                })) {
                columns.push_back(format);
            }
        }
        std::string text = padded(title, width);
        char cell[32];
        for (const metric_format& column : columns) {
            std::snprintf(cell, sizeof cell, "%*s", column_width, column.column);
            text += cell;
        }
        text += '\n';
        for (const named_metrics& line : lines_) {
            if (line.name.empty()) {
                text += std::string(width + column_width * columns.size(), '-') + '\n';
                continue;
            }
            text += padded(line.name, width);
            for (const metric_format& column : columns) {
                const auto value = line.values.*column.value;
                if (value) {
                    std::snprintf(cell, sizeof cell, "%*.*f", column_width, column.digits,
                                  *value * column.factor);
                } else {
                    std::snprintf(cell, sizeof cell, "%*s", column_width, "-");
                }
                text += cell;
            }
            text += '\n';
        }
        return text;
    }

  private:
    std::vector<named_metrics> lines_;
};

/// Promised and realised false alarms of all methods; nothing if a suite does not count them.
std::string promises_text(const std::vector<method_runs>& methods) {
    const std::string title = "false alarms in 10 000 normal rows";
    std::size_t width = title.size();
    for (const method_runs& each : methods) {
        width = std::max(width, each.first->name.size());
    }
    std::string text;
    for (const method_runs& each : methods) {
        for (const promise_line& line : each.promises()) {
            char numbers[160];
            std::snprintf(numbers, sizeof numbers,
                          "%9.0f%9.1f%9.2f%9.2f%9.1f%9.1f%9.1f%7.1f%7.1f of %.0f\n", line.promised,
                          line.expected, line.pooled, line.median, line.within, line.without,
                          line.above, line.files, line.found, line.events);
            text += padded(each.first->name, width) + numbers;
        }
    }
    return text.empty() ? text
                        : '\n' + padded(title, width) +
                              " promised per file   pooled   median within 3  without  above 3"
                              "  files  found\n" +
                              text;
}

} // namespace

nlohmann::ordered_json to_json(const metrics& values) {
    auto object = nlohmann::ordered_json::object();
    for (const metric_format& format : metric_formats) {
        const auto value = values.*format.value;
        if (value && format.count && *value == std::floor(*value)) {
            object[format.name] = static_cast<std::int64_t>(*value);
        } else if (value) {
            object[format.name] = *value;
        }
    }
    return object;
}

std::string table(const suite& which, const std::vector<seed_run>& runs) {
    const auto methods = by_method(runs);
    const auto& published = runs.front().outcome.published;
    const auto add_published = [&](table_text& lines, const std::string& group) {
        for (const published_line& other : published) {
            if (other.group == group) {
                lines.add("  " + other.line.name, other.line.values);
            }
        }
    };
    table_text files;
    for (const file_result& file : methods.front().files()) {
        files.add(file.file, file.values);
        for (const named_metrics& other : file.published) {
            files.add("  " + other.name, other.values);
        }
    }
    const auto& groups = methods.front().first->groups;
    if (groups.empty()) {
        files.rule();
        for (const method_runs& each : methods) {
            const auto totals = each.totals();
            files.add(&each == &methods.front() ? "total" : "total, " + each.first->name,
                      totals.mean);
            if (each.runs.size() > 1) {
                files.add("  spread of the seeds", totals.spread);
            }
        }
        add_published(files, "");
    }
    std::string text = files.text(which.name);
    for (std::size_t k = 0; k < groups.size(); ++k) {
        table_text lines;
        for (const method_runs& each : methods) {
            const auto values = each.group(k);
            lines.add(each.first->name, values.mean);
            if (each.runs.size() > 1) {
                lines.add("  spread of the seeds", values.spread);
            }
        }
        lines.rule();
        add_published(lines, groups[k].name);
        text += '\n' + lines.text(groups[k].name);
    }
    text += promises_text(methods);
    char line[64];
    for (const seed_run& run : runs) {
        std::snprintf(line, sizeof line, "%.1f s, seed %llu\n", run.seconds,
                      static_cast<unsigned long long>(run.seed));
        text += line;
    }
    return text;
}

nlohmann::ordered_json to_json(const suite& which, const std::vector<seed_run>& runs) {
    using json = nlohmann::ordered_json;
    const auto list_files = [](const std::vector<file_result>& files) {
        auto list = json::array();
        for (const file_result& file : files) {
            json entry{{"file", file.file}};
            entry.update(to_json(file.values));
            list.push_back(std::move(entry));
        }
        return list;
    };
    const auto list_groups = [](const std::vector<group_result>& groups) {
        auto list = json::object();
        for (const group_result& group : groups) {
            list[group.name] = to_json(group.values);
        }
        return list;
    };
    const auto list_promises = [](const std::vector<promise_line>& lines) {
        auto list = json::array();
        for (const promise_line& line : lines) {
            list.push_back({{"promised_rate", line.promised},
                            {"realised_over_promised", line.median},
                            {"pooled_over_promised", line.pooled},
                            {"files", line.files},
                            {"files_within_3", line.within},
                            {"files_without_alarm", line.without},
                            {"files_above_3", line.above},
                            {"promised_per_file", line.expected},
                            {"events_found", line.found},
                            {"events", line.events}});
        }
        return list;
    };
    const auto describe = [&](const method_runs& each) {
        const auto totals = each.totals();
        json entry{{"settings", each.first->settings}, {"totals", to_json(totals.mean)}};
        if (each.runs.size() > 1) {
            entry["spread"] = to_json(totals.spread);
        }
        if (!each.first->groups.empty()) {
            auto groups = json::object();
            for (std::size_t k = 0; k < each.first->groups.size(); ++k) {
                const auto group = each.group(k);
                groups[each.first->groups[k].name] = to_json(group.mean);
                if (each.runs.size() > 1) {
                    groups[each.first->groups[k].name]["spread"] = to_json(group.spread);
                }
            }
            entry["groups"] = std::move(groups);
        }
        auto seeds = json::array();
        for (std::size_t k = 0; k < each.runs.size(); ++k) {
            json one{{"seed", each.runs[k]->seed}, {"totals", to_json(each.results[k]->totals)}};
            if (!each.results[k]->groups.empty()) {
                one["groups"] = list_groups(each.results[k]->groups);
            }
            one["files"] = list_files(each.results[k]->files);
            seeds.push_back(std::move(one));
        }
        entry["per_seed"] = std::move(seeds);
        if (!each.first->promises.empty()) {
            entry["promises"] = list_promises(each.promises());
        }
        return entry;
    };
    const auto methods = by_method(runs);
    double seconds = 0;
    auto seeds = json::array();
    for (const seed_run& run : runs) {
        seconds += run.seconds;
        seeds.push_back(run.seed);
    }
    json content{{"suite", which.name},
                 {"seed", runs.front().seed},
                 {"seeds", seeds},
                 {"method", methods.front().first->name}};
    const json own = describe(methods.front());
    content["settings"] = own.at("settings");
    content["seconds"] = seconds;
    content["files"] = list_files(methods.front().files());
    for (const char* key : {"totals", "spread", "groups", "per_seed", "promises"}) {
        if (own.contains(key)) {
            content[key] = own.at(key);
        }
    }
    auto compared = json::array();
    for (std::size_t k = 1; k < methods.size(); ++k) {
        json entry{{"method", methods[k].first->name}};
        entry.update(describe(methods[k]));
        compared.push_back(std::move(entry));
    }
    content["compared"] = std::move(compared);
    auto published = json::array();
    for (const published_line& other : runs.front().outcome.published) {
        json entry{{"method", other.line.name}};
        if (!other.group.empty()) {
            entry["group"] = other.group;
        }
        entry.update(to_json(other.line.values));
        published.push_back(std::move(entry));
    }
    content["published"] = std::move(published);
    return content;
}

} // namespace evaluate
