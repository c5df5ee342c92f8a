// The connections that are kept between messages, with their sockets: pool.h says which.
#pragma once

#include "delivery/pool.h"
#include "delivery/smtp_client.h"
#include "net/task.h"

#include <cstddef>
#include <map>
#include <memory>
#include <string>

namespace sekisho::delivery {

class Connections {
  public:
    // The right to have a connection open; at its end the place is told that it is gone.
    class Use {
      public:
        Use() = default;
        Use(std::shared_ptr<Connections> connections, std::string place);
        Use(Use&& other) noexcept = default;
        Use& operator=(Use&& other) noexcept;
        Use(const Use&) = delete;
        Use& operator=(const Use&) = delete;
        ~Use();

      private:
        friend class KeptConnections;
        void end();
        std::shared_ptr<Connections> connections_;
        std::string place_;
    };
    struct Taken {
        std::shared_ptr<Connection> connection;  // null: none is kept
        Use use;
    };

    // `home`: where the time of idle ones is looked after.
    [[nodiscard]] static std::shared_ptr<Connections> make(
        const net::Executor& home, Pool::Limits limits
    );
    virtual ~Connections() = default;
    // From any thread.
    [[nodiscard]] virtual Taken take(const std::string& place, const std::string& to) = 0;
    [[nodiscard]] virtual bool has(const std::string& place, const std::string& to) const = 0;
    [[nodiscard]] virtual Use opening(const std::string& place) = 0;
    // Keeps it for the next message, or says goodbye to it.
    virtual void give(Use use, std::string to, std::shared_ptr<Connection> connection) = 0;
    virtual void set_limits(Pool::Limits limits) = 0;
    // Says goodbye to all; needed before the end of the loops.
    virtual void close() = 0;
    [[nodiscard]] virtual std::map<std::string, std::size_t> kept_by_place() const = 0;

  protected:
    virtual void gone(const std::string& place) = 0;
};

}  // namespace sekisho::delivery
