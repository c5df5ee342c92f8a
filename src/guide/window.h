// A settings window drawn as SVG, top to bottom, with numbered marks; and the figure around it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sekisho::guide {

class Window {
  public:
    explicit Window(std::string_view title);

    void section(std::string_view text);

    enum class Kind : std::uint8_t { Text, Number, Choice };
    // `mark`: its number; 0: none.
    void field(std::string_view name, std::string_view value, Kind kind, int mark = 0);
    void tick(std::string_view text, bool on, int mark = 0);

    // The window with its buttons. `alt`: what it shows, for who can't see it.
    [[nodiscard]] std::string finish(
        std::string_view alt, std::string_view cancel, std::string_view ok
    );

  private:
    void put_name(std::string_view name);
    void put_mark(int mark);

    std::string body_;
    int y_ = 0;
};

// A <figure>: caption, picture, and the list that explains its marks; all HTML.
[[nodiscard]] std::string figure(
    std::string_view title,
    std::string_view path,
    const std::string& svg,
    const std::vector<std::string>& marks
);

}  // namespace sekisho::guide
