/// @file csv_names.hpp
/// @brief What the name of a column suggests.
#pragma once

#include "tocsin/io/csv_number.hpp"

#include <algorithm>
#include <initializer_list>
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

} // namespace tocsin::detail
