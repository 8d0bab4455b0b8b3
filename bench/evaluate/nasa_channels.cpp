#include "nasa_channels.hpp"

#include "tocsin/io/csv.hpp"

#include "contenders.hpp"
#include "text_table.hpp"

namespace evaluate {

using tocsin::result;

result<std::map<std::string, nasa_channel>>
read_nasa_channels(const std::filesystem::path& directory) {
    const auto table = text_table::read(directory / "labels.csv");
    if (!table) {
        return table.error();
    }
    if (const auto complete = table->require({"channel", "spacecraft", "start", "end_incl"});
        !complete) {
        return complete;
    }
    std::map<std::string, nasa_channel> channels;
    for (std::size_t k = 0; k < table->rows(); ++k) {
        const auto begin = table->number(k, "start");
        const auto last = table->number(k, "end_incl");
        if (!begin || !last) {
            return begin ? last.error() : begin.error();
        }
        nasa_channel& labelled = channels[table->text(k, "channel")];
        labelled.spacecraft = table->text(k, "spacecraft");
        labelled.events.push_back({*begin, *last + 1});
    }
    return channels;
}

result<tocsin::matrix<double>> read_nasa_values(const std::filesystem::path& path) {
    auto read = tocsin::read_csv<double>(path, {.labels = std::vector<std::string>{}});
    if (!read) {
        return read.error();
    }
    return filled(std::move(read->values));
}

} // namespace evaluate
