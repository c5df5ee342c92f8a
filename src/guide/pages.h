// The pages: each a function of what it shows. guide.cc routes to them and puts the frame around.
#pragma once

#include "guide/guide.h"
#include "guide/view.h"

#include <span>
#include <string>
#include <string_view>

namespace sekisho::guide {

struct Page {
    std::string_view path;  // below /ja/; "" is the start page
    std::string_view name;  // NAME.title is its title, nav.NAME its entry in the menu
    std::string (*body)(const View& view, Facts& facts);
    bool in_menu;
};
[[nodiscard]] std::span<const Page> all_pages();
[[nodiscard]] const Page* find_page(std::string_view path);

std::string start_page(const View& view, Facts& facts);
std::string check_page(const View& view, Facts& facts);
std::string affected_page(const View& view, Facts& facts);
std::string op25b_page(const View& view, Facts& facts);
std::string ip25b_page(const View& view, Facts& facts);
std::string remedies_page(const View& view, Facts& facts);
std::string settings_page(const View& view, Facts& facts);
std::string setup_page(const View& view, Facts& facts);
std::string servers_page(const View& view, Facts& facts);
std::string contact_page(const View& view, Facts& facts);
std::string refused_page(const View& view, Facts& facts);
std::string login_page(const View& view, Facts& facts);
std::string limits_page(const View& view, Facts& facts);
std::string send_as_page(const View& view, Facts& facts);
// Where nobody can sign in (guide.h, Guide::my).
std::string my_closed_page(const View& view, Facts& facts);
std::string programs_page(const View& view, Facts& facts);
std::string devices_page(const View& view, Facts& facts);
// Setting up one program.
enum class Program : std::uint8_t {
    Thunderbird,
    Outlook,
    OutlookNew,
    AppleMail,
    Iphone,
    Gmail,
    Android
};
template <Program>
std::string program_page(const View& view, Facts& facts);

// The values of the outgoing server; `user` is HTML.
[[nodiscard]] std::string outgoing_table(const View& view, const std::string& user);

// The whole document: head, header, `body`, menu, footer.
[[nodiscard]] std::string document(
    const View& view, std::string_view path, std::string_view title_key, const std::string& body
);

// "stopped", "limited", "planned", "open", "outside": what the reader is told first.
[[nodiscard]] std::string_view verdict_kind(const Standing& standing);
// What port 25 does, as a catalogue key: "action.stopped", ...
[[nodiscard]] std::string_view action_key(const Port25& port);
[[nodiscard]] std::string class_label(const View& view, const Standing& standing);  // HTML
// "query" of the request when it has one, else "".
[[nodiscard]] std::string_view query_value(const View& view, std::string_view name);
// A reference number is letters, digits and '-', at most 40; anything else is none.
[[nodiscard]] std::string reference_of(const View& view);

}  // namespace sekisho::guide
