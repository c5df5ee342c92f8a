# Compiler and linker flags that hold for the whole tree.
add_library(sekisho_flags INTERFACE)

target_compile_options(sekisho_flags INTERFACE
  -Wall -Wextra -Wpedantic -Werror -Wshadow -Wnon-virtual-dtor -Wold-style-cast -Wcast-qual
  -Woverloaded-virtual -Wundef -Wvla -fno-omit-frame-pointer -fstack-protector-strong)
target_compile_definitions(sekisho_flags INTERFACE
  _GLIBCXX_ASSERTIONS
  BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED BOOST_BEAST_SEPARATE_COMPILATION
  SEKISHO_VERSION="${PROJECT_VERSION}")

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 prints these on sound coroutine frames and on std::optional/std::string at -O1 with ASan.
  target_compile_options(sekisho_flags INTERFACE
    -Wno-mismatched-new-delete -Wno-maybe-uninitialized -Wno-stringop-overflow -Wno-array-bounds
    -Wno-restrict -Wno-stringop-overread -Wno-dangling-pointer -Wno-free-nonheap-object -Wno-missing-field-initializers)
  target_compile_options(sekisho_flags INTERFACE -fcoroutines)
  # It takes a precompiled header only where every macro is the same, used or not; this one is fmt::fmt's.
  target_compile_definitions(sekisho_flags INTERFACE FMT_SHARED)
else()
  target_compile_options(sekisho_flags INTERFACE -Wno-missing-designated-field-initializers -Wno-missing-field-initializers)
  # Precompiled headers without times, so that ccache finds what was built from them.
  target_compile_options(sekisho_flags INTERFACE "SHELL:-Xclang -fno-pch-timestamp")
endif()
# g++ looks for a program named ld.lld; the package lld-19 has it in a folder of its own.
find_program(SEKISHO_LLD ld.lld HINTS /usr/lib/llvm-19/bin REQUIRED)
get_filename_component(SEKISHO_LLD_FOLDER "${SEKISHO_LLD}" DIRECTORY)
target_link_options(sekisho_flags INTERFACE -fuse-ld=lld "-B${SEKISHO_LLD_FOLDER}")

if(SEKISHO_SANITIZE)
  target_compile_options(sekisho_flags INTERFACE
    -fsanitize=${SEKISHO_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(sekisho_flags INTERFACE -fsanitize=${SEKISHO_SANITIZE})
  # Recycled coroutine frames would hide a use after free from ASan.
  target_compile_definitions(sekisho_flags INTERFACE BOOST_ASIO_DISABLE_AWAITABLE_FRAME_RECYCLING)
endif()

if(CMAKE_BUILD_TYPE STREQUAL "Release")
  target_compile_options(sekisho_flags INTERFACE
    -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-clash-protection -fcf-protection=full)
  target_link_options(sekisho_flags INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack -pie)
endif()
