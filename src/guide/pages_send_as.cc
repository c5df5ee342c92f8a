// Sending as an address elsewhere: what it is, and the button that a mailed code leads to. The code
// alone changes nothing: programs that follow the links of a mail would prove it.
#include "base/result.h"
#include "guide/pages.h"

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace sekisho::guide {
namespace {

constexpr std::size_t kCodeMax = 64;

View of_claim(const View& view, const SendAsClaim& claim) {
    View named = view;
    named.set("claim_login", claim.login);
    named.set("claim_address", claim.address);
    return named;
}

std::string refused(const View& view, const Error& error) {
    const bool none =
        error.code == Errc::NotFound || error.code == Errc::Denied || error.code == Errc::Invalid;
    return view.note(none ? "sendas.none" : "sendas.away", none ? "bad" : "warn");
}

std::string question(const View& view, const SendAsClaim& claim, std::string_view code) {
    const View named = of_claim(view, claim);
    return named.heading(2, "sendas.ask") + named.paragraph("sendas.ask.text") +
           fmt::format(
               "<form method=\"post\" action=\"{}?code={}\">\n<p class=\"actions\">"
               "<button class=\"button primary\">{}</button></p>\n</form>\n",
               view.url("sendas"),
               encode_query(code),
               view.html("sendas.ask.yes")
           ) +
           named.paragraph("sendas.ask.warn");
}

std::string answer_to(const View& view, Facts& facts, std::string_view code) {
    if (view.request().method == "POST") {
        const auto proven = facts.prove_send_as(code);
        if (!proven) {
            return refused(view, proven.error());
        }
        const View named = of_claim(view, *proven);
        return named.heading(2, "sendas.done") + named.note("sendas.done.text", "good");
    }
    const auto claim = facts.send_as_claim(code);
    return claim ? question(view, *claim, code) : refused(view, claim.error());
}

}  // namespace

std::string send_as_page(const View& view, Facts& facts) {
    std::string out = view.heading(1, "sendas.title");
    const std::string_view code = query_value(view, "code");
    if (!code.empty() && code.size() <= kCodeMax) {
        return out + answer_to(view, facts, code);
    }
    if (!code.empty() || view.request().method == "POST") {
        return out + view.note("sendas.none", "bad");
    }
    return out + view.paragraph("sendas.lead", "lead") + view.heading(2, "sendas.how") +
           view.list("sendas.how", true) + view.heading(2, "sendas.arrives") +
           view.paragraph("sendas.arrives.text");
}

}  // namespace sekisho::guide
