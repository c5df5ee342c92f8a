// A DNS of records written down, for tests.
#pragma once

#include "base/bytes.h"
#include "base/ip.h"
#include "spf/check.h"

#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace sekisho::spf {

class TestZone {
  public:
    void txt(const std::string& name, std::string text) {
        answer(RecordType::Txt, name).texts.push_back(std::move(text));
    }
    void mx(const std::string& name, std::string host) {
        answer(RecordType::Mx, name).texts.push_back(std::move(host));
    }
    void a(const std::string& name, std::string_view address) {
        const IpAddress value = IpAddress::parse(address).value();
        const RecordType type = value.is_v4() ? RecordType::A : RecordType::Aaaa;
        answer(type, name).addresses.push_back(value);
    }
    // Answers nothing but what is written.
    void dead(const std::string& name) { dead_.insert(to_lower(name)); }

    // Zone data as the openspf suite writes it: SPF stands for a TXT record where no TXT is
    // written; TIMEOUT for no answer to other types.
    static TestZone of_suite(const nlohmann::json& zonedata) {
        TestZone zone;
        for (const auto& [name, records] : zonedata.items()) {
            bool has_txt = false;
            for (const auto& record : records) {
                has_txt = has_txt || (record.is_object() && record.contains("TXT"));
            }
            for (const auto& record : records) {
                if (record.is_string()) {
                    zone.dead(name);
                    continue;
                }
                for (const auto& [type, value] : record.items()) {  // one each
                    if (type != "SPF" || !has_txt) {
                        zone.add(name, type == "SPF" ? "TXT" : type, value);
                    }
                }
            }
        }
        return zone;
    }

    [[nodiscard]] Outcome check(Query query) const {
        Answers answers;
        asked_ = 0;
        Step step = spf::check(query, answers);
        while (const auto* questions = std::get_if<Questions>(&step)) {
            for (const Question& question : *questions) {
                answers[question] = find(question, query.client);
                ++asked_;
            }
            step = spf::check(query, answers);
        }
        return std::get<Outcome>(std::move(step));
    }
    [[nodiscard]] int asked() const { return asked_; }

  private:
    Answer& answer(RecordType type, const std::string& name) {
        return answers_[Question{type, to_lower(name)}];
    }

    // Code points up to U+00FF to bytes.
    static std::string bytes(const nlohmann::json& value) {
        std::string out;
        const auto text = value.get<std::string>();
        for (std::size_t i = 0; i < text.size(); ++i) {
            const auto byte = static_cast<unsigned char>(text[i]);
            if (byte < 0x80) {
                out += text[i];
            } else {
                ++i;
                out += static_cast<char>(
                    (byte & 3U) << 6U | (static_cast<unsigned char>(text[i]) & 0x3FU)
                );
            }
        }
        return out;
    }

    void add(const std::string& name, const std::string& type, const nlohmann::json& value) {
        if (type == "TXT") {
            std::string text;
            if (value.is_array()) {
                for (const auto& part : value) {
                    text += bytes(part);
                }
            } else {
                text = bytes(value);
            }
            if (text != "NONE") {
                txt(name, text);
            }
        } else if (type == "A" || type == "AAAA") {
            a(name, value.get<std::string>());
        } else if (type == "MX") {
            mx(name, value.at(1).get<std::string>());
        } else if (type == "PTR") {
            answer(RecordType::Ptr, name).texts.push_back(value.get<std::string>());
        } else if (type == "CNAME") {
            std::string to = to_lower(value.get<std::string>());
            if (to.ends_with('.')) {
                to.pop_back();
            }
            aliases_[to_lower(name)] = to;
        }
    }

    [[nodiscard]] Answer find(Question question, const IpAddress& client) const {
        if (question.type == RecordType::Ptr) {
            question.name = reverse_name(client);
        }
        for (int hops = 0; aliases_.contains(question.name); ++hops) {
            if (hops > 8) {
                return Answer{.kind = Answer::Kind::Failed};
            }
            question.name = aliases_.at(question.name);
        }
        const auto found = answers_.find(question);
        if (found != answers_.end()) {
            return found->second;
        }
        return Answer{
            .kind = dead_.contains(question.name) ? Answer::Kind::Failed : Answer::Kind::Known
        };
    }

    static std::string reverse_name(const IpAddress& address) {
        std::string out;
        const auto& all = address.bytes();
        for (std::size_t i = address.is_v4() ? 4 : 16; i-- > 0;) {
            if (address.is_v4()) {
                out += std::to_string(all[i]) + ".";
            } else {
                static constexpr char digits[] = "0123456789abcdef";
                out += {digits[all[i] & 0xFU], '.', digits[all[i] >> 4U], '.'};
            }
        }
        return out + (address.is_v4() ? "in-addr.arpa" : "ip6.arpa");
    }

    std::map<Question, Answer> answers_;
    std::map<std::string, std::string> aliases_;
    std::set<std::string> dead_;
    mutable int asked_ = 0;
};

}  // namespace sekisho::spf
