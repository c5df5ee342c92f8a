#include "base/csv.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr std::size_t kFieldsMax = 256;

}  // namespace

CsvReader::CsvReader(std::string_view text, char separator) : text_(text), separator_(separator) {
    if (text_.starts_with(kByteOrderMark)) {
        at_ = kByteOrderMark.size();
    }
}

std::optional<CsvReader::Record> CsvReader::next() {
    while (at_ < text_.size()) {
        Record record;
        record.line = line_;
        while (read_field(record)) {
        }
        if (!record.fault.empty() || record.fields.size() > 1 || !record.fields.front().empty()) {
            return record;
        }
    }
    return std::nullopt;
}

void CsvReader::skip_line() {
    const std::size_t end = text_.find('\n', at_);
    at_ = end == std::string_view::npos ? text_.size() : end + 1;
    ++line_;
}

bool CsvReader::read_field(Record& record) {
    std::string field;
    if (at_ < text_.size() && text_[at_] == '"') {
        if (!read_quoted(record, field)) {
            return false;
        }
    } else {
        const char ends[] = {separator_, '\n', '\0'};
        const std::size_t end = text_.find_first_of(std::string_view{ends, 2}, at_);
        field = text_.substr(at_, end == std::string_view::npos ? end : end - at_);
        at_ += field.size();
        const bool line_ends = at_ == text_.size() || text_[at_] == '\n';
        if (line_ends && field.ends_with('\r')) {
            field.pop_back();
        }
        if (field.find('"') != std::string::npos) {
            record.fault = "a quote stands inside a field that doesn't begin with one";
            skip_line();
            return false;
        }
    }
    record.fields.push_back(std::move(field));
    if (record.fields.size() > kFieldsMax) {
        record.fault = "there are more than 256 fields";
        skip_line();
        return false;
    }
    return end_of_field(record);
}

bool CsvReader::read_quoted(Record& record, std::string& field) {
    const std::size_t opened = line_;
    ++at_;
    while (true) {
        const std::size_t quote = text_.find('"', at_);
        if (quote == std::string_view::npos) {
            // All that follows may belong to this field, so nothing of it can be trusted.
            record.fault = "the quote of line " + std::to_string(opened) + " is never closed";
            at_ = text_.size();
            return false;
        }
        for (const char c : text_.substr(at_, quote - at_)) {
            line_ += c == '\n' ? 1 : 0;
            field.push_back(c);
        }
        at_ = quote + 1;
        if (at_ == text_.size() || text_[at_] != '"') {
            return true;
        }
        field.push_back('"');
        ++at_;
    }
}

bool CsvReader::end_of_field(Record& record) {
    if (at_ == text_.size()) {
        return false;
    }
    if (text_[at_] == separator_) {
        ++at_;
        return true;
    }
    const std::string_view rest = text_.substr(at_);
    if (!rest.starts_with('\n') && !rest.starts_with("\r\n")) {
        record.fault = "something follows a closing quote";
    }
    skip_line();
    return false;
}

}  // namespace sekisho
