/// @file csv_names.hpp
/// @brief What the name of a column suggests, and names in messages.
#pragma once

#include "tocsin/io/csv_number.hpp"

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace tocsin::detail {

/// A name in lower case without blanks, `_`, `-`, `/` and what stands in brackets.
inline std::string plain_name(std::string_view name) {
    std::string plain;
    for (const char c : name.substr(0, std::min(name.find('['), name.find('(')))) {
        if (c != ' ' && c != '_' && c != '-' && c != '/' && c != '\t') {
            plain += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        }
    }
    return plain;
}

/// 2 for a name that says "time", 1 for one that may mean it, else 0.
inline int time_likeness(const std::string& plain) {
    const auto is = [&](std::initializer_list<std::string_view> names) {
        return std::find(names.begin(), names.end(), std::string_view{plain}) != names.end();
    };
    return is({"timestamp", "timestamps", "datetime", "time"}) ? 2
           : is({"date",        "dates",       "ts",        "epoch",         "epochtime",
                 "epochs",      "unixtime",    "unix",      "unixtimestamp", "unixepoch",
                 "utc",         "utctime",     "timeutc",   "timestamputc",  "datetimeutc",
                 "localtime",   "times",       "epochms",   "timestampms",   "timems",
                 "epochus",     "timestampus", "timeus",    "epochns",       "timestampns",
                 "timens",      "tstamp",      "eventtime", "datum",         "zeit",
                 "zeitstempel", "uhrzeit",     "ds"})
               ? 1
               : 0;
}

inline bool is_label_name(const std::string& plain) {
    return is_any_of(plain, {"label", "labels", "anomaly", "isanomaly", "outlier", "isoutlier",
                             "attack", "normalattack"});
}

/// Whether a column that counts the rows says so.
inline bool is_row_name(const std::string& plain) {
    return is_any_of(plain,
                     {"record", "recordnumber", "recnum", "recno", "row", "rownumber", "rowid"});
}

/// What a word says in a column of labels; nothing for others than the usual ones.
inline std::optional<bool> label_of_word(std::string_view word) noexcept {
    if (is_any_of(word, {"false", "normal", "ok", "good", "benign"})) {
        return false;
    }
    if (is_any_of(word, {"true", "anomaly", "anomalous", "abnormal", "attack", "outlier", "fault",
                         "faulty"})) {
        return true;
    }
    return std::nullopt;
}

/// A name as it stands in a list of names: in double quotes if it has a comma or blanks around it, or
/// begins with a double quote.
inline std::string in_list(const std::string& name) {
    if (name.find(',') == std::string::npos && !name.starts_with('"') &&
        trimmed(name).size() == name.size()) {
        return name;
    }
    std::string quoted = "\"";
    for (const char c : name) {
        quoted += c == '"' ? "\"\"" : std::string{c};
    }
    return quoted + '"';
}

} // namespace tocsin::detail
