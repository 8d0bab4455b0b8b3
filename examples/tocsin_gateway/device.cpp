#include "device.hpp"

#include "tocsin/io/byte_archive.hpp"
#include "tocsin/io/checksum.hpp"

#include "json_line.hpp"
#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <utility>

namespace tocsin_gateway {
namespace {

using tocsin::error_code;
using tocsin::result;
using tocsin::status;

constexpr std::uint64_t device_magic = 0x34455441'47434F54U;     // "TOCGATE4"
constexpr std::uint64_t plain_magic = 0x31455441'47434F54U;      // "TOCGATE1", of before
constexpr std::uint64_t controlled_magic = 0x32455441'47434F54U; // "TOCGATE2"
constexpr std::uint64_t counted_magic = 0x33455441'47434F54U;    // "TOCGATE3"
constexpr std::uint64_t offset_magic = 0x31534646'4F434F54U;     // "TOCOFFS1"
constexpr std::uint64_t origin_magic = 0x32534646'4F434F54U;     // "TOCOFFS2"

std::vector<std::byte> sealed(tocsin::byte_writer& archive) {
    archive.scalar(tocsin::crc32(archive.bytes()));
    return archive.bytes();
}

/// The content of bytes made by sealed(), behind one of the words that they may begin with.
/// @param stored the word
result<std::span<const std::byte>> unsealed(std::span<const std::byte> bytes,
                                            std::initializer_list<std::uint64_t> magic,
                                            std::uint64_t& stored) {
    constexpr std::size_t envelope = sizeof stored + sizeof(std::uint32_t);
    stored = 0;
    std::uint32_t checksum = 0;
    if (bytes.size() >= envelope) {
        tocsin::byte_reader(bytes).scalar(stored);
        tocsin::byte_reader(bytes.last(sizeof checksum)).scalar(checksum);
    }
    const auto content = bytes.first(bytes.size() - std::min(bytes.size(), sizeof checksum));
    if (std::find(magic.begin(), magic.end(), stored) == magic.end() ||
        checksum != tocsin::crc32(content)) {
        return status::error(error_code::format_error, "state of ",
                             static_cast<std::int64_t>(bytes.size()),
                             " bytes: damaged, or not of this gateway");
    }
    return content.subspan(sizeof stored);
}

} // namespace

device::device(std::string_view name, std::shared_ptr<const device_model> by,
               const std::optional<tocsin_cli::row_alarm>& fresh)
    : quoted_name{json_quoted(name)}, model{std::move(by)}, stream{model->make_stream()},
      control{fresh}, promise{model->make_promise_count()},
      last_time{std::numeric_limits<double>::quiet_NaN()} {}

tocsin::verdict device::push(std::span<const float> values, double time) noexcept {
    tocsin::verdict verdict = model->push(stream, values, time);
    // A time that the clock of the stream refuses must not make later samples look like repeats.
    if (!std::isnan(time) && verdict.reason != tocsin::sample_reason::out_of_order) {
        last_time = time;
    }
    if (control) {
        verdict.alarm = control->push(verdict);
    }
    if (promise) {
        promise->push(verdict);
        verdict.rate_exceeded = promise->rate_exceeded();
    }
    return verdict;
}

bool device::is_repeat(double time) noexcept {
    if (!(time <= last_time)) {
        earlier = 0;
        return false;
    }
    earlier = earlier > 0 && time > last_earlier ? earlier + 1 : 1;
    last_earlier = time;
    if (earlier <= most_repeats) {
        return true;
    }
    earlier = 0;
    last_time = std::numeric_limits<double>::quiet_NaN();
    return false;
}

bool device::change_model(std::shared_ptr<const device_model> to) {
    const bool afresh = to->identity() != model->identity();
    model = std::move(to);
    if (afresh) {
        stream = model->make_stream();
        promise = model->make_promise_count();
        if (control) {
            control->reset();
        }
    }
    return afresh;
}

result<std::vector<std::byte>> save_device(const device& state) {
    const auto stream = state.model->save(state.stream);
    if (!stream) {
        return stream.error();
    }
    tocsin::byte_writer archive;
    archive.scalar(device_magic);
    archive.integer("next_offset", state.next_offset);
    archive.integer("position", state.position);
    archive.real("last_time", state.last_time);
    archive.integer("earlier", state.earlier);
    archive.real("last_earlier", state.last_earlier);
    archive.integer("alarm", static_cast<int>(state.alarm));
    archive.text("model", state.model->identity());
    archive.array("stream",
                  std::span{reinterpret_cast<const char*>(stream->data()), stream->size()});
    archive.integer("controlled", static_cast<int>(state.control.has_value()));
    archive.integer("counted", static_cast<int>(state.promise.has_value()));
    if (state.control) {
        archive.object("control", *state.control);
    }
    if (state.promise) {
        archive.object("promise", *state.promise);
    }
    return sealed(archive);
}

result<device> load_device(std::string_view name, std::shared_ptr<const device_model> model,
                           const std::optional<tocsin_cli::row_alarm>& control,
                           std::span<const std::byte> bytes, bool& kept) {
    std::uint64_t magic = 0;
    const auto content =
        unsealed(bytes, {device_magic, plain_magic, controlled_magic, counted_magic}, magic);
    if (!content) {
        return content.error();
    }
    device loaded{name, std::move(model), control};
    tocsin::byte_reader archive{*content};
    int alarm = 0;
    std::string identity;
    std::string stream;
    archive.integer("next_offset", loaded.next_offset);
    archive.integer("position", loaded.position);
    archive.real("last_time", loaded.last_time);
    if (magic == device_magic) {
        archive.integer("earlier", loaded.earlier, 0, device::most_repeats);
        archive.real("last_earlier", loaded.last_earlier);
    }
    archive.integer("alarm", alarm, 0, 1);
    archive.text("model", identity);
    archive.text("stream", stream);
    int controlled = magic == controlled_magic ? 1 : 0;
    if (magic == device_magic || magic == counted_magic) {
        archive.integer("controlled", controlled, 0, 1);
    }
    int counted = magic == counted_magic ? 1 : 0;
    if (magic == device_magic) {
        archive.integer("counted", counted, 0, 1);
    }
    tocsin_cli::row_alarm continued_control{tocsin_cli::alarm_options{}};
    if (controlled != 0) {
        archive.object("control", continued_control);
    }
    tocsin_cli::promise_count continued_promise;
    if (counted != 0) {
        archive.object("promise", continued_promise);
    }
    // The checksum at the end has been removed, and nothing may be left before it.
    if (!archive.outcome().ok()) {
        return archive.outcome();
    }
    loaded.alarm = alarm != 0;
    kept = identity == loaded.model->identity();
    if (kept) {
        auto continued =
            loaded.model->load_stream(std::as_bytes(std::span{stream.data(), stream.size()}));
        if (!continued) {
            return continued.error();
        }
        loaded.stream = *std::move(continued);
        if (control && controlled != 0 && continued_control.has_settings_of(*control)) {
            loaded.control = continued_control;
        }
        if (loaded.promise && continued_promise.has_settings_of(*loaded.promise)) {
            loaded.promise = continued_promise;
        }
    }
    return loaded;
}

std::vector<std::byte> save_progress(const partition_progress& progress) {
    const bool counted_in = !progress.origin.empty();
    tocsin::byte_writer archive;
    archive.scalar(counted_in ? origin_magic : offset_magic);
    archive.integer("next_offset", progress.next_offset);
    if (counted_in) {
        archive.text("origin", progress.origin);
    }
    return sealed(archive);
}

result<partition_progress> load_progress(std::span<const std::byte> bytes) {
    std::uint64_t magic = 0;
    const auto content = unsealed(bytes, {offset_magic, origin_magic}, magic);
    if (!content) {
        return content.error();
    }
    partition_progress progress;
    tocsin::byte_reader archive{*content};
    archive.integer("next_offset", progress.next_offset);
    if (magic == origin_magic) {
        archive.text("origin", progress.origin);
    }
    if (!archive.outcome().ok()) {
        return archive.outcome();
    }
    return progress;
}

} // namespace tocsin_gateway
