#include "report/xml.h"

#include "base/bytes.h"
#include "base/result.h"

#include <algorithm>
#include <cstddef>
#include <expat.h>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::report {
namespace {

constexpr std::size_t kDepthMax = 16;
constexpr std::size_t kElementsMax = 5'000;  // in one child of the root
constexpr std::size_t kTextMax = 10'240;     // of one element
constexpr char kBetween = '\n';              // namespace and name, as expat gives them

using Take = std::function<Status(const Root&, Element)>;

class Reader {
  public:
    explicit Reader(const Take& take)
        : take_(take), parser_(XML_ParserCreateNS(nullptr, kBetween)) {
        XML_SetUserData(parser_.get(), this);
        XML_SetElementHandler(parser_.get(), on_start, on_end);
        XML_SetCharacterDataHandler(parser_.get(), on_text);
        XML_SetStartDoctypeDeclHandler(parser_.get(), on_doctype);
    }

    Result<Root> run(std::string_view xml) {
        if (xml.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
            return fail(Errc::Full, "the XML is too large");
        }
        const auto done =
            XML_Parse(parser_.get(), xml.data(), static_cast<int>(xml.size()), XML_TRUE);
        if (!problem_.message.empty()) {
            return fail(problem_);
        }
        if (done != XML_STATUS_OK) {
            return fail(
                Errc::Invalid,
                std::string(XML_ErrorString(XML_GetErrorCode(parser_.get()))) + " in line " +
                    std::to_string(XML_GetCurrentLineNumber(parser_.get()))
            );
        }
        return root_;
    }

  private:
    struct Free {
        void operator()(XML_Parser parser) const { XML_ParserFree(parser); }
    };

    static Reader& of(void* data) { return *static_cast<Reader*>(data); }
    static void XMLCALL on_start(void* data, const XML_Char* name, const XML_Char** /*unused*/) {
        of(data).start(name);
    }
    static void XMLCALL on_end(void* data, const XML_Char* /*name*/) { of(data).end(); }
    static void XMLCALL on_text(void* data, const XML_Char* text, int size) {
        of(data).text({text, static_cast<std::size_t>(size)});
    }
    static void XMLCALL on_doctype(
        void* data,
        const XML_Char* /*name*/,
        const XML_Char* /*system*/,
        const XML_Char* /*public*/,
        int /*subset*/
    ) {
        of(data).stop({Errc::Invalid, "a document type has no place in a report"});
    }

    void stop(Error why) {
        if (problem_.message.empty()) {
            problem_ = std::move(why);
            XML_StopParser(parser_.get(), XML_FALSE);
        }
    }

    void start(std::string_view name) {
        const std::size_t between = name.rfind(kBetween);
        const std::string_view local =
            between == std::string_view::npos ? name : name.substr(between + 1);
        if (!rooted_) {
            rooted_ = true;
            root_.name = local;
            root_.space = between == std::string_view::npos ? "" : name.substr(0, between);
            return;
        }
        if (open_.size() >= kDepthMax || ++elements_ > kElementsMax) {
            stop({Errc::Full, "the XML is too deep, or has too many elements"});
            return;
        }
        Element element;
        element.name = local;
        open_.push_back(std::move(element));
    }

    void end() {
        if (open_.empty()) {
            return;  // of the root
        }
        Element done = std::move(open_.back());
        open_.pop_back();
        done.text = trim(done.text);
        if (!open_.empty()) {
            open_.back().children.push_back(std::move(done));
            return;
        }
        elements_ = 0;
        if (!problem_.message.empty()) {
            return;
        }
        if (Status taken = take_(root_, std::move(done)); !taken) {
            stop(taken.error());
        }
    }

    void text(std::string_view more) {
        if (open_.empty()) {
            return;
        }
        if (open_.back().text.size() + more.size() > kTextMax) {
            stop({Errc::Full, "an element of the XML is too long"});
            return;
        }
        open_.back().text += more;
    }

    const Take& take_;
    std::unique_ptr<XML_ParserStruct, Free> parser_;
    Root root_;
    bool rooted_ = false;
    std::vector<Element> open_;
    std::size_t elements_ = 0;
    Error problem_;
};

}  // namespace

const Element* Element::child(std::string_view wanted) const {
    const auto found = std::ranges::find(children, wanted, &Element::name);
    return found == children.end() ? nullptr : &*found;
}

std::string Element::value(std::string_view wanted) const {
    const Element* const found = child(wanted);
    return found == nullptr ? std::string() : found->text;
}

std::vector<const Element*> Element::all(std::string_view wanted) const {
    std::vector<const Element*> out;
    for (const Element& one : children) {
        if (one.name == wanted) {
            out.push_back(&one);
        }
    }
    return out;
}

Result<Root> read_xml(
    std::string_view xml, const std::function<Status(const Root&, Element)>& take
) {
    Reader reader(take);
    return reader.run(xml);
}

std::string xml_escaped(std::string_view text) {
    const bool whole = is_utf8(text);
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        constexpr unsigned char kAsciiEnd = 0x7F;
        if (c == '&') {
            out += "&amp;";
        } else if (c == '<') {
            out += "&lt;";
        } else if (c == '>') {
            out += "&gt;";
        } else if (c == '"') {
            out += "&quot;";
        } else if ((byte < ' ' && c != '\t' && c != '\n') || (byte > kAsciiEnd && !whole)) {
            out += '?';
        } else {
            out += c;
        }
    }
    return out;
}

}  // namespace sekisho::report
