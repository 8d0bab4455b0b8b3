#include "discords_data.hpp"

#include "tocsin/io/csv.hpp"
#include "tocsin/series/period.hpp"

#include "progress.hpp"
#include "scoring_task.hpp"
#include "text_table.hpp"
#include <algorithm>
#include <string_view>
#include <utility>

namespace evaluate {
namespace {

namespace fs = std::filesystem;
using tocsin::index_t;
using tocsin::matrix;
using tocsin::result;
using tocsin::row_range;
using tocsin::status;

/// Ranges of rows by the text of a column: roles, kinds of labels.
using named_ranges = std::map<std::string, std::vector<row_range>>;

constexpr int shortest_period = 20;
constexpr int longest_period = 1000;

/// The first of these kinds of labels that a series has is the target.
std::vector<std::string_view> kinds_for(const std::string& protocol) {
    if (protocol == "thesis") {
        return {"discord", "day", "cycle", "point"};
    }
    if (protocol == "cycle") {
        return {"cycle", "discord", "day", "point"};
    }
    return {"point", "discord", "day", "cycle"};
}

int long_period_of(const matrix<double>& values) {
    const auto found = tocsin::dominant_period(values.topRows(1), shortest_period, longest_period);
    return found && *found > 0 ? *found : 125;
}

/// Adds the rows from `start` to `end` of a line of a table.
status add_range(const text_table& table, std::size_t line, std::vector<row_range>& to) {
    const auto begin = table.number(line, "start");
    const auto end = table.number(line, "end");
    if (!begin || !end) {
        return begin ? end.error() : begin.error();
    }
    to.push_back({*begin, *end});
    return {};
}

/// Rows by protocol, series and role.
result<std::map<std::string, std::map<std::string, named_ranges>>>
read_splits(const fs::path& path) {
    const auto table = text_table::read(path);
    if (!table) {
        return table.error();
    }
    if (const auto complete = table->require({"series", "protocol", "role", "start", "end"});
        !complete) {
        return complete;
    }
    std::map<std::string, std::map<std::string, named_ranges>> splits;
    for (std::size_t k = 0; k < table->rows(); ++k) {
        auto& roles = splits[table->text(k, "protocol")][table->text(k, "series")];
        if (const auto added = add_range(*table, k, roles[table->text(k, "role")]); !added) {
            return added;
        }
    }
    return splits;
}

/// Rows by series and kind of label.
result<std::map<std::string, named_ranges>> read_labels(const fs::path& path) {
    const auto table = text_table::read(path);
    if (!table) {
        return table.error();
    }
    if (const auto complete = table->require({"series", "start", "end", "kind"}); !complete) {
        return complete;
    }
    std::map<std::string, named_ranges> labels;
    for (std::size_t k = 0; k < table->rows(); ++k) {
        auto& kinds = labels[table->text(k, "series")];
        if (const auto added = add_range(*table, k, kinds[table->text(k, "kind")]); !added) {
            return added;
        }
    }
    return labels;
}

/// Values, roles and events of one series of a protocol.
result<discord_series> read_one(const fs::path& directory, const std::string& protocol,
                                const std::string& name, const named_ranges& roles,
                                const named_ranges& labels) {
    std::string feature;
    auto values = read_series(directory / "data" / (name + ".csv"), &feature);
    if (!values) {
        return values.error();
    }
    discord_series one{protocol + "/" + name, std::move(*values), feature, 125, roles, {}, 0};
    auto chosen = labels.begin();
    for (const auto kind : kinds_for(protocol)) {
        if (const auto found = labels.find(std::string(kind)); found != labels.end()) {
            chosen = found;
            break;
        }
    }
    one.events = chosen->second;
    if (chosen->first == "day" || chosen->first == "cycle") {
        one.unit = one.events.front().size();
    }
    for (const auto& [role, ranges] : roles) {
        for (const row_range& range : ranges) {
            if (range.begin < 0 || range.end <= range.begin || range.end > one.values.cols()) {
                return status::error(tocsin::error_code::format_error, one.name, ": rows ",
                                     range.begin, " to ", range.end, " for ", role,
                                     " are not in the ", one.values.cols(), " rows");
            }
        }
    }
    one.period = long_period_of(one.values);
    return one;
}

/// Appends a series to another, whose model and period are used for both.
status append(discord_series& to, const discord_series& more) {
    if (more.values.rows() != to.values.rows()) {
        return status::error(tocsin::error_code::format_error, more.name, " has ",
                             more.values.rows(), " columns, ", to.name, " has ", to.values.rows());
    }
    const index_t shift = to.values.cols();
    const auto add = [shift](std::vector<row_range>& ranges, const std::vector<row_range>& added) {
        for (const row_range& range : added) {
            ranges.push_back({range.begin + shift, range.end + shift});
        }
    };
    matrix<double> joined(to.values.rows(), shift + more.values.cols());
    joined << to.values, more.values;
    to.values = std::move(joined);
    for (const auto& [role, ranges] : more.roles) {
        add(to.roles[role], ranges);
    }
    add(to.events, more.events);
    to.name += " + " + more.name.substr(more.name.find('/') + 1);
    return {};
}

} // namespace

std::vector<row_range> discord_series::rows_for(const std::string& role) const {
    const auto found = roles.find(role);
    return found != roles.end() ? found->second : std::vector<row_range>{};
}

result<matrix<double>> read_series(const fs::path& path, std::string* first_name) {
    auto read = tocsin::read_csv<double>(path, {.labels = std::vector<std::string>{}});
    if (!read) {
        return read.error();
    }
    const bool timed = read->features() > 1 && read->names.front().rfind("time", 0) == 0;
    if (first_name != nullptr) {
        *first_name = read->names[timed ? 1 : 0];
    }
    return filled(timed ? matrix<double>(read->values.bottomRows(read->features() - 1))
                        : std::move(read->values));
}

result<std::vector<discord_protocol>> read_discords(const fs::path& directory) {
    const auto splits = read_splits(directory / "splits.csv");
    const auto labels = read_labels(directory / "labels.csv");
    if (!splits || !labels) {
        return splits ? labels.error() : splits.error();
    }
    std::vector<discord_protocol> protocols;
    for (const auto& [protocol, by_series] : *splits) {
        discord_protocol found{protocol, {}};
        std::vector<discord_series> untrained;
        for (const auto& [name, roles] : by_series) {
            const auto known = labels->find(name);
            if (known == labels->end()) {
                progress::note("skipped: " + protocol + "/" + name + " has no labels");
                continue;
            }
            auto one = read_one(directory, protocol, name, roles, known->second);
            if (!one) {
                return one.error();
            }
            (roles.count("train") > 0 ? found.series : untrained).push_back(std::move(*one));
        }
        for (const discord_series& one : untrained) {
            if (found.series.size() != 1) {
                progress::note("skipped: " + one.name + " has no rows to train on");
            } else if (const status joined = append(found.series.front(), one); !joined) {
                return joined;
            }
        }
        std::erase_if(found.series, [](const discord_series& one) {
            const bool untested = one.roles.count("test") == 0;
            if (untested) {
                progress::note("skipped: " + one.name + " has no rows to test");
            }
            return untested;
        });
        protocols.push_back(std::move(found));
    }
    return protocols;
}

} // namespace evaluate
