# A room's files compiled several at once (SEKISHO_UNITY: how many): the headers are read once for all of them. For presets
# that build everything anew; a change then builds its neighbours, too.
set(SEKISHO_UNITY 0 CACHE STRING "Files of a room that are compiled at once; 0: each by itself")

# They have names in their anonymous namespaces that other files of the room have as well.
set(SEKISHO_NOT_IN_UNITY
    account/import.cc account/jwt.cc account/password.cc account/sasl_plain.cc delivery/job.cc delivery/routes/rule.cc line/ports.cc line/reconcile.cc
    mail/password_check.cc message/auth_results.cc message/encode.cc message/mend.cc message/mime.cc message/shorten.cc net/http_client.cc net/http_target.cc net/listener.cc peer/name_patterns.cc smtp/xclient.cc
    report/letter.cc report/xml.cc smtp/command.cc smtp/reply.cc store/forward_store.cc store/send_as_store.cc)

function(sekisho_unity target)
  if(SEKISHO_UNITY EQUAL 0)
    return()
  endif()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE ${SEKISHO_UNITY})
  foreach(file ${SEKISHO_NOT_IN_UNITY})
    set_source_files_properties(${PROJECT_SOURCE_DIR}/src/${file} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  endforeach()
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # A file that is included takes its anonymous namespace for a header's.
    target_compile_options(${target} PRIVATE -Wno-subobject-linkage)
  endif()
endfunction()
