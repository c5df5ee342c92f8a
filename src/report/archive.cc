#include "report/archive.h"

#include "base/result.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <zip.h>
#include <zlib.h>

namespace sekisho::report {
namespace {

constexpr int kGzipWindow = 15 + 16;  // zlib.h: 16 more for the format of gzip
constexpr std::size_t kChunk = 64UL * 1024;
constexpr std::string_view kGzip = "\x1f\x8b";
constexpr std::string_view kZip = "PK";

Error too_large() {
    return {Errc::Full, "it becomes too large when it is unpacked"};
}

Bytef* bytes_of(std::string_view text) {
    // zlib doesn't write to its input; its pointer has no const (ZLIB_CONST).
    return const_cast<Bytef*>(reinterpret_cast<const Bytef*>(text.data()));  // NOLINT
}

Result<std::string> gunzip(std::string_view bytes, std::size_t bytes_max) {
    z_stream stream{};
    if (bytes.size() > std::numeric_limits<uInt>::max() ||
        inflateInit2(&stream, kGzipWindow) != Z_OK) {
        return fail(Errc::Full, "it is too large");
    }
    const std::unique_ptr<z_stream, int (*)(z_stream*)> end(&stream, inflateEnd);
    stream.next_in = bytes_of(bytes);
    stream.avail_in = static_cast<uInt>(bytes.size());
    std::string out;
    std::vector<char> chunk(kChunk);
    while (true) {
        stream.next_out = reinterpret_cast<Bytef*>(chunk.data());
        stream.avail_out = static_cast<uInt>(chunk.size());
        const int state = inflate(&stream, Z_NO_FLUSH);
        out.append(chunk.data(), chunk.size() - stream.avail_out);
        if (out.size() > bytes_max) {
            return fail(too_large());
        }
        if (state == Z_STREAM_END) {
            return out;
        }
        if (state != Z_OK) {
            return fail(Errc::Invalid, "it is no whole gzip file");
        }
    }
}

using Archive = std::unique_ptr<zip_t, void (*)(zip_t*)>;

Archive open_zip(std::string_view bytes) {
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t* const source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error);
    zip_t* archive = nullptr;
    if (source != nullptr) {
        archive = zip_open_from_source(source, ZIP_RDONLY, &error);
        if (archive == nullptr) {
            zip_source_free(source);
        }
    }
    zip_error_fini(&error);
    return {archive, zip_discard};
}

// What an entry says of its size isn't believed.
Result<std::string> read_entry(zip_t* archive, zip_uint64_t index, std::size_t bytes_max) {
    const std::unique_ptr<zip_file_t, int (*)(zip_file_t*)> file(
        zip_fopen_index(archive, index, 0), zip_fclose
    );
    if (!file) {
        return fail(Errc::Invalid, "an entry of the zip file can't be read");
    }
    std::string out;
    std::vector<char> chunk(kChunk);
    while (true) {
        const zip_int64_t got = zip_fread(file.get(), chunk.data(), chunk.size());
        if (got < 0) {
            return fail(Errc::Invalid, "an entry of the zip file is damaged");
        }
        if (got == 0) {
            return out;
        }
        out.append(chunk.data(), static_cast<std::size_t>(got));
        if (out.size() > bytes_max) {
            return fail(too_large());
        }
    }
}

Result<std::vector<std::string>> unzip(std::string_view bytes, const UnpackLimits& limits) {
    const Archive archive = open_zip(bytes);
    if (!archive) {
        return fail(Errc::Invalid, "it is no zip file");
    }
    const zip_int64_t count = zip_get_num_entries(archive.get(), 0);
    if (count < 1 || static_cast<std::size_t>(count) > limits.entries_max) {
        return fail(Errc::Full, "the zip file has no entry, or too many");
    }
    std::vector<std::string> out;
    std::size_t left = limits.bytes_max;
    for (zip_int64_t i = 0; i < count; ++i) {
        auto entry = read_entry(archive.get(), static_cast<zip_uint64_t>(i), left);
        if (!entry) {
            return fail(entry.error());
        }
        left -= entry->size();
        out.push_back(std::move(*entry));
    }
    return out;
}

}  // namespace

std::string gzip(std::string_view bytes) {
    z_stream stream{};
    constexpr int kMemory = 8;
    if (deflateInit2(
            &stream, Z_BEST_COMPRESSION, Z_DEFLATED, kGzipWindow, kMemory, Z_DEFAULT_STRATEGY
        ) != Z_OK) {
        return {};
    }
    const std::unique_ptr<z_stream, int (*)(z_stream*)> end(&stream, deflateEnd);
    std::string out(deflateBound(&stream, bytes.size()), '\0');
    stream.next_in = bytes_of(bytes);
    stream.avail_in = static_cast<uInt>(bytes.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    if (deflate(&stream, Z_FINISH) != Z_STREAM_END) {
        return {};
    }
    out.resize(stream.total_out);
    return out;
}

Result<std::vector<std::string>> unpack(std::string_view bytes, const UnpackLimits& limits) {
    if (bytes.starts_with(kZip)) {
        return unzip(bytes, limits);
    }
    std::vector<std::string> out;
    if (bytes.starts_with(kGzip)) {
        auto content = gunzip(bytes, limits.bytes_max);
        if (!content) {
            return fail(content.error());
        }
        out.push_back(std::move(*content));
    } else if (bytes.size() > limits.bytes_max) {
        return fail(too_large());
    } else {
        out.emplace_back(bytes);
    }
    return out;
}

}  // namespace sekisho::report
