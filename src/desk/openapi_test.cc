// The OpenAPI document and docs/api.md say what the router does.
#include "desk/openapi.h"

#include "base/file.h"
#include "desk/check.h"
#include "desk/routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <set>
#include <string>

namespace sekisho::desk {
namespace {

using testing::HasSubstr;

TEST(OpenApi, HasEveryRouteOnce) {
    const Json document = openapi_document();
    EXPECT_EQ(document["openapi"], "3.1.0");
    std::set<std::string> operations;
    for (const Route& route : routes()) {
        EXPECT_TRUE(operations.insert(route.operation).second) << route.operation;
        const std::string method = route.method == "GET"    ? "get"
                                   : route.method == "POST" ? "post"
                                                            : "delete";
        const Json& one = document["paths"][route.path][method];
        EXPECT_EQ(one["operationId"], route.operation);
        EXPECT_EQ(one["x-roles"], Json(route.roles.names()));
        EXPECT_EQ(find_route(route.method, route.path).route, &route) << route.path;
        EXPECT_EQ(route.body.empty(), !one.contains("requestBody"));
        for (const std::string& name : {route.body, route.answer}) {
            EXPECT_TRUE(name.empty() || schemas().contains(name)) << name;
        }
        // What shows or changes somebody's has a reason; what has none can't name anybody.
        EXPECT_TRUE(route.tag != "look" || route.reason == Reason::Needed) << route.operation;
        EXPECT_TRUE(!route.changes() || route.tag == "session" || route.reason == Reason::Needed);
    }
}

TEST(OpenApi, FindsRoutes) {
    EXPECT_EQ(find_route("POST", "/queue/Q1/hold").path.at("id"), "Q1");
    EXPECT_EQ(find_route("HEAD", "/status").route->operation, "getStatus");
    EXPECT_EQ(find_route("PUT", "/session").allow, "POST, GET, HEAD, DELETE");
    for (const char* nowhere : {"", "/", "/queue/", "/queue/Q1", "/queue/Q1/hold/", "status"}) {
        const Found found = find_route("GET", nowhere);
        EXPECT_TRUE(found.route == nullptr && found.allow.empty()) << nowhere;
    }
}

TEST(OpenApi, BodiesAreChecked) {
    const auto fault = [](const char* name, const char* body) {
        const Status sound = check_body(schema(name), Json::parse(body, nullptr, false));
        return sound ? std::string() : sound.error().message;
    };
    EXPECT_EQ(fault("DropOrder", R"({"ids":["Q1"],"bounce":true,"reason":"x"})"), "");
    EXPECT_THAT(
        fault("DropOrder", R"({"ids":["Q1"],"bounce":1,"reason":"x"})"), HasSubstr("bounce")
    );
    EXPECT_THAT(fault("DropOrder", R"({"ids":[],"reason":"x"})"), HasSubstr("too few"));
    EXPECT_THAT(fault("DropOrder", R"({"ids":[1],"reason":"x"})"), HasSubstr("not a string"));
    EXPECT_THAT(fault("DropOrder", R"({"reason":"x"})"), HasSubstr("needs the member \"ids\""));
    EXPECT_THAT(fault("Reason", R"({"reason":""})"), HasSubstr("too short"));
    EXPECT_THAT(fault("Reason", R"({"reason":"x","a":1})"), HasSubstr("no member \"a\""));
    EXPECT_THAT(fault("Reason", "{"), HasSubstr("not a JSON object"));
}

TEST(OpenApi, TheReferenceIsMadeOfIt) {
    const std::string path = std::string(SEKISHO_SOURCE_DIR) + "/docs/api.md";
    EXPECT_EQ(read_file(path).value_or(""), api_reference())
        << "sekisho desk api-reference > docs/api.md";
}

}  // namespace
}  // namespace sekisho::desk
