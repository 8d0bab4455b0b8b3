#include "device.hpp"

#include "tocsin/io/byte_archive.hpp"
#include "tocsin/io/checksum.hpp"

#include "json_line.hpp"
#include <limits>
#include <utility>

namespace tocsin_gateway {
namespace {

using tocsin::error_code;
using tocsin::result;
using tocsin::status;

constexpr std::uint64_t device_magic = 0x31455441'47434F54U; // "TOCGATE1"
constexpr std::uint64_t offset_magic = 0x31534646'4F434F54U; // "TOCOFFS1"

std::vector<std::byte> sealed(tocsin::byte_writer& archive) {
    archive.scalar(tocsin::crc32(archive.bytes()));
    return archive.bytes();
}

/// The content of bytes made by sealed().
result<std::span<const std::byte>> unsealed(std::span<const std::byte> bytes, std::uint64_t magic) {
    constexpr std::size_t envelope = sizeof magic + sizeof(std::uint32_t);
    std::uint64_t stored = 0;
    std::uint32_t checksum = 0;
    if (bytes.size() >= envelope) {
        tocsin::byte_reader(bytes).scalar(stored);
        tocsin::byte_reader(bytes.last(sizeof checksum)).scalar(checksum);
    }
    const auto content = bytes.first(bytes.size() - std::min(bytes.size(), sizeof checksum));
    if (stored != magic || checksum != tocsin::crc32(content)) {
        return status::error(error_code::format_error, "state of ",
                             static_cast<std::int64_t>(bytes.size()),
                             " bytes: damaged, or not of this gateway");
    }
    return content.subspan(sizeof magic);
}

} // namespace

device::device(std::string_view name, std::shared_ptr<const device_model> by)
    : quoted_name{json_quoted(name)}, model{std::move(by)}, stream{model->make_stream()},
      last_time{std::numeric_limits<double>::quiet_NaN()} {}

bool device::change_model(std::shared_ptr<const device_model> to) {
    const bool afresh = to->identity() != model->identity();
    model = std::move(to);
    if (afresh) {
        stream = model->make_stream();
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
    archive.integer("alarm", static_cast<int>(state.alarm));
    archive.text("model", state.model->identity());
    archive.array("stream",
                  std::span{reinterpret_cast<const char*>(stream->data()), stream->size()});
    return sealed(archive);
}

result<device> load_device(std::string_view name, std::shared_ptr<const device_model> model,
                           std::span<const std::byte> bytes, bool& kept) {
    const auto content = unsealed(bytes, device_magic);
    if (!content) {
        return content.error();
    }
    device loaded{name, std::move(model)};
    tocsin::byte_reader archive{*content};
    int alarm = 0;
    std::string identity;
    std::string stream;
    archive.integer("next_offset", loaded.next_offset);
    archive.integer("position", loaded.position);
    archive.real("last_time", loaded.last_time);
    archive.integer("alarm", alarm, 0, 1);
    archive.text("model", identity);
    archive.text("stream", stream);
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
    }
    return loaded;
}

std::vector<std::byte> save_offset(std::int64_t next_offset) {
    tocsin::byte_writer archive;
    archive.scalar(offset_magic);
    archive.integer("next_offset", next_offset);
    return sealed(archive);
}

result<std::int64_t> load_offset(std::span<const std::byte> bytes) {
    const auto content = unsealed(bytes, offset_magic);
    if (!content) {
        return content.error();
    }
    std::int64_t next_offset = 0;
    tocsin::byte_reader archive{*content};
    archive.integer("next_offset", next_offset);
    return archive.outcome().ok() ? result<std::int64_t>{next_offset}
                                  : result<std::int64_t>{archive.outcome()};
}

} // namespace tocsin_gateway
