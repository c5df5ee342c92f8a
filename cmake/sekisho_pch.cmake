# Precompiled headers, shared by all rooms: most of the building time. They hide a missing #include, so the preset
# `dev` builds without. sekisho_pch(TARGET [ASIO] [CLI] [TEST] [HOT]) gives a target the one that suits it.
option(SEKISHO_PCH "Precompile the headers that most files include" ON)

set(SEKISHO_PCH_STD <algorithm> <array> <atomic> <charconv> <chrono> <cstdint> <deque> <expected> <filesystem> <functional>
    <map> <memory> <mutex> <optional> <random> <set> <span> <string> <string_view> <thread> <utility> <variant> <vector>)
set(SEKISHO_PCH_JSON <fmt/format.h> <nlohmann/json.hpp>)
set(SEKISHO_PCH_ASIO <boost/asio/awaitable.hpp> <boost/asio/co_spawn.hpp> <boost/asio/io_context.hpp>
    <boost/asio/ip/tcp.hpp> <boost/asio/posix/stream_descriptor.hpp> <boost/asio/steady_timer.hpp>)
# Of our own headers those that nearly every file of the room includes, so that a change builds it all anyway.
set(SEKISHO_PCH_CLI <CLI/CLI.hpp> <cli/context.h> <config/config.h> <store/store.h>)
set(SEKISHO_PCH_TEST <gmock/gmock.h> <gtest/gtest.h>)

# Without optimiser most of a file's code is what it instantiates of such headers, the same in every file. clang makes
# that code once, in a library beside the precompiled header. With the optimiser each file wants it for itself.
if(SEKISHO_PCH AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND CMAKE_BUILD_TYPE STREQUAL "Debug")
  set(SEKISHO_PCH_CODE ON)
  target_link_options(sekisho_flags INTERFACE -Wl,--gc-sections)
endif()

# The library NAME_code: what the headers of NAME define.
function(sekisho_pch_code name)
  set(pch ${CMAKE_CURRENT_BINARY_DIR}/CMakeFiles/${name}.dir/cmake_pch.hxx.pch)
  set(object ${CMAKE_CURRENT_BINARY_DIR}/${name}_code.o)
  separate_arguments(debug UNIX_COMMAND "${CMAKE_CXX_FLAGS_DEBUG}")
  separate_arguments(always UNIX_COMMAND "${CMAKE_CXX_FLAGS}")
  set(options "$<FILTER:$<TARGET_PROPERTY:${name},COMPILE_OPTIONS>,EXCLUDE,^SHELL:>")
  add_custom_command(OUTPUT ${object}
    COMMAND ${CMAKE_CXX_COMPILER} ${always} ${debug} -fPIC "${options}" -ffunction-sections -Wno-unused-command-line-argument
            -c ${pch} -o ${object}
    DEPENDS ${pch} ${name} COMMAND_EXPAND_LISTS VERBATIM COMMENT "Code of the headers of ${name}")
  add_library(${name}_code STATIC ${object})
  set_target_properties(${name}_code PROPERTIES LINKER_LANGUAGE CXX)
  target_link_libraries(${name}_code INTERFACE fmt::fmt)
  target_compile_options(${name} PRIVATE -fpch-codegen)
endfunction()

function(sekisho_pch_provider name test optimised)
  set(source ${CMAKE_BINARY_DIR}/pch/${name}.cc)
  if(NOT EXISTS ${source})
    file(WRITE ${source} "")
  endif()
  add_library(${name} OBJECT EXCLUDE_FROM_ALL ${source})
  target_link_libraries(${name} PRIVATE sekisho_flags Boost::headers fmt::fmt nlohmann_json::nlohmann_json CLI11::CLI11)
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/src)
  if(test)
    target_link_libraries(${name} PRIVATE GTest::gmock)
  endif()
  if(optimised AND CMAKE_BUILD_TYPE STREQUAL "Debug")
    target_compile_options(${name} PRIVATE -O1)
  endif()
  target_precompile_headers(${name} PRIVATE ${ARGN})
  if(SEKISHO_PCH_CODE)
    sekisho_pch_code(${name})
  endif()
endfunction()

function(sekisho_pch target)
  if(NOT SEKISHO_PCH)
    return()
  endif()
  cmake_parse_arguments(PCH "ASIO;CLI;TEST;HOT" "" "" ${ARGN})
  set(name sekisho_pch_std)
  set(headers ${SEKISHO_PCH_STD} ${SEKISHO_PCH_JSON})
  foreach(part ASIO CLI TEST)
    if(PCH_${part})
      string(TOLOWER ${part} lower)
      string(APPEND name _${lower})
      list(APPEND headers ${SEKISHO_PCH_${part}})
    endif()
  endforeach()
  if(PCH_HOT)
    string(APPEND name _hot)
  endif()
  if(NOT TARGET ${name})
    sekisho_pch_provider(${name} ${PCH_TEST} ${PCH_HOT} ${headers})
  endif()
  target_precompile_headers(${target} REUSE_FROM ${name})
  get_target_property(kind ${target} TYPE)
  if(kind STREQUAL "EXECUTABLE")
    # A header precompiled for PIE doesn't fit libraries, which have to be PIC: programs are PIC as well.
    target_compile_options(${target} PRIVATE -fPIC)
  endif()
  if(SEKISHO_PCH_CODE)
    target_link_libraries(${target} PRIVATE ${name}_code)
  endif()
endfunction()

# Optimised whatever the preset says; sekisho_pch(TARGET HOT) has the headers precompiled for it.
function(sekisho_hot target)
  if(CMAKE_BUILD_TYPE STREQUAL "Debug")
    target_compile_options(${target} PRIVATE -O1)
  endif()
endfunction()
