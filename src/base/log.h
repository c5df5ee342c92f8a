// Structured log: an id that never changes, a text for people, fields that tie lines together. Text
// on a terminal, one JSON object a line otherwise. Thread-safe.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

namespace sekisho::log {

enum class Level { Debug, Info, Warning, Error };
enum class Format { Auto, Text, Json };

struct Options {
    Level level = Level::Info;
    Format format = Format::Auto;  // Auto: text when standard error is a terminal
    std::string role;              // "gate", "mail", "desk": a field of every line
};
void configure(const Options& options);

// Field names in use: queue_id, message_id, session, account, line, peer, rule, class, error.
struct Field {
    std::string_view key;
    std::variant<std::string, std::int64_t, double, bool> value;
    Field(std::string_view k, std::string v) : key(k), value(std::move(v)) {}
    Field(std::string_view k, std::string_view v) : key(k), value(std::string(v)) {}
    Field(std::string_view k, const char* v) : key(k), value(std::string(v)) {}
    Field(std::string_view k, std::int64_t v) : key(k), value(v) {}
    Field(std::string_view k, int v) : key(k), value(std::int64_t{v}) {}
    Field(std::string_view k, std::size_t v) : key(k), value(static_cast<std::int64_t>(v)) {}
    Field(std::string_view k, double v) : key(k), value(v) {}
    Field(std::string_view k, bool v) : key(k), value(v) {}
};
using Fields = std::initializer_list<Field>;

// `id` is UPPER_CASE and stable (operators match on it); `text` is a sentence fragment. Values are
// made printable.
void write(Level level, std::string_view id, std::string_view text, Fields fields = {});

inline void debug(std::string_view id, std::string_view text, Fields f = {}) {
    write(Level::Debug, id, text, f);
}
inline void info(std::string_view id, std::string_view text, Fields f = {}) {
    write(Level::Info, id, text, f);
}
inline void warning(std::string_view id, std::string_view text, Fields f = {}) {
    write(Level::Warning, id, text, f);
}
inline void error(std::string_view id, std::string_view text, Fields f = {}) {
    write(Level::Error, id, text, f);
}

}  // namespace sekisho::log
