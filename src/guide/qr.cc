#include "guide/qr.h"

#include "guide/view.h"

#include <fmt/format.h>

#include <cstddef>
#include <memory>
#include <qrencode.h>
#include <span>
#include <string>
#include <string_view>

namespace sekisho::guide {
namespace {

constexpr int kQuiet = 4;  // modules of white around it
constexpr int kBytesMax = 1000;

struct Free {
    void operator()(QRcode* code) const { QRcode_free(code); }
};

// One row's runs of dark modules, each a rectangle of height 1.
void append_row(std::string& path, std::span<const unsigned char> row, int y) {
    for (std::size_t x = 0; x < row.size();) {
        std::size_t end = x;
        while (end < row.size() && (row[end] & 1U) != 0) {
            ++end;
        }
        if (end > x) {
            path += fmt::format("M{} {}h{}v1h-{}z", x + kQuiet, y + kQuiet, end - x, end - x);
        }
        x = end + 1;
    }
}

}  // namespace

std::string qr_svg(std::string_view text, std::string_view label) {
    if (text.empty() || text.size() > kBytesMax) {
        return "";
    }
    const std::string copy(text);
    const std::unique_ptr<QRcode, Free> code(QRcode_encodeData(
        static_cast<int>(copy.size()),
        reinterpret_cast<const unsigned char*>(copy.data()),  // NOLINT(*-reinterpret-cast)
        0,
        QR_ECLEVEL_M
    ));
    if (code == nullptr) {
        return "";
    }
    const auto width = static_cast<std::size_t>(code->width);
    const std::span<const unsigned char> modules(code->data, width * width);
    std::string path;
    for (std::size_t y = 0; y < width; ++y) {
        append_row(path, modules.subspan(y * width, width), static_cast<int>(y));
    }
    const int side = code->width + 2 * kQuiet;
    // Dark on white in every scheme, or readers don't find it.
    return fmt::format(
        "<svg class=\"qr\" viewBox=\"0 0 {0} {0}\" width=\"200\" height=\"200\" role=\"img\""
        " aria-label=\"{1}\" shape-rendering=\"crispEdges\"><rect width=\"{0}\" height=\"{0}\""
        " fill=\"#fff\"/><path fill=\"#000\" d=\"{2}\"/></svg>\n",
        side,
        escape_html(label),
        path
    );
}

}  // namespace sekisho::guide
