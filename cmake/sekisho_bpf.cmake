# sekisho_bpf_skeleton(NAME source.bpf.c): compiles restricted C for the kernel's BPF machine and makes a libbpf skeleton,
# <NAME.skel.h>, so that the program travels inside the binary. Link the INTERFACE target NAME_skeleton to include it.
find_program(SEKISHO_BPF_CLANG NAMES clang-19 clang-18 clang-17 clang REQUIRED)
find_program(SEKISHO_BPFTOOL NAMES bpftool PATHS /usr/sbin /sbin /usr/local/sbin REQUIRED)

function(sekisho_bpf_skeleton name source)
  get_filename_component(source ${source} ABSOLUTE)
  set(object ${CMAKE_CURRENT_BINARY_DIR}/${name}.bpf.o)
  set(folder ${CMAKE_CURRENT_BINARY_DIR}/${name}_skeleton)
  file(MAKE_DIRECTORY ${folder})
  add_custom_command(OUTPUT ${object}
    COMMAND ${SEKISHO_BPF_CLANG} -target bpf -mcpu=v3 -O2 -g -std=gnu11 -Wall -Wextra -Werror -Wno-unused-parameter
            -I${PROJECT_SOURCE_DIR}/src -isystem /usr/include/${CMAKE_LIBRARY_ARCHITECTURE}
            -MD -MF ${object}.d -MT ${object} -c ${source} -o ${object}
    DEPENDS ${source} DEPFILE ${object}.d COMMENT "BPF object ${name}.bpf.o" VERBATIM)
  add_custom_command(OUTPUT ${folder}/${name}.skel.h
    COMMAND ${SEKISHO_BPFTOOL} gen skeleton ${object} name ${name} > ${folder}/${name}.skel.h
    DEPENDS ${object} COMMENT "BPF skeleton ${name}.skel.h" VERBATIM)
  add_custom_target(${name}_skeleton_file DEPENDS ${folder}/${name}.skel.h)
  add_library(${name}_skeleton INTERFACE)
  target_include_directories(${name}_skeleton SYSTEM INTERFACE ${folder})
  add_dependencies(${name}_skeleton ${name}_skeleton_file)
endfunction()
