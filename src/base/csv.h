// Comma-separated values (RFC 4180), record by record: quoted fields may hold separators, line ends
// and doubled quotes; lines end with CRLF or LF. Pure; copies fields, keeps nothing else.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho {

class CsvReader {
  public:
    // `text` must outlive the reader. A byte order mark is skipped.
    CsvReader(std::string_view text, char separator);

    struct Record {
        std::size_t line = 0;  // where it begins, from 1
        std::vector<std::string> fields;
        std::string fault;  // empty: sound; else what is wrong, and the fields don't count
    };
    // The next record that isn't an empty line; nullopt at the end.
    [[nodiscard]] std::optional<Record> next();

  private:
    // Reads one field and what ends it; false: the record ends with it.
    bool read_field(Record& record);
    bool read_quoted(Record& record, std::string& field);
    bool end_of_field(Record& record);
    void skip_line();

    std::string_view text_;
    std::size_t at_ = 0;
    std::size_t line_ = 1;
    const char separator_;
};

}  // namespace sekisho
