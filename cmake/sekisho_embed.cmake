# Compiles text files (style sheets, scripts, pages) into a target as std::string_view constants.
#   sekisho_embed(sekisho_guide guide web/guide/guide.css)  -> sekisho::guide::asset::guide_css
# The name is the file's, with '.' and '-' as '_'; <room>/asset.h declares it.
function(sekisho_embed target space)
  foreach(file ${ARGN})
    get_filename_component(name ${file} NAME)
    string(REGEX REPLACE "[.-]" "_" name ${name})
    file(READ ${PROJECT_SOURCE_DIR}/${file} SEKISHO_EMBED_CONTENT)
    set(SEKISHO_EMBED_NAME ${name})
    set(SEKISHO_EMBED_SPACE ${space})
    set(output ${CMAKE_CURRENT_BINARY_DIR}/embed/${space}_${name}.cc)
    configure_file(${PROJECT_SOURCE_DIR}/cmake/embed.cc.in ${output} @ONLY)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${file})
    target_sources(${target} PRIVATE ${output})
  endforeach()
endfunction()
