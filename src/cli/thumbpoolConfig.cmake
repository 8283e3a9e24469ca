# find_package(thumbpool) gives the program, as thumbpool::thumbpool, and
#
#     thumbpool_add_thumbnails(TARGET [ALL] OUTPUT FOLDER INPUTS PATH... [OPTIONS OPTION...])
#
# which adds a target that keeps thumbnails of the pictures in PATH up to date.
#     OUTPUT   relative to the current binary folder
#     INPUTS   files and folders, relative to the current source folder
#     OPTIONS  of the program, as --blur 0 -s 640 -f webp
#     ALL      the target is part of a build without a name
# A picture that changes, comes or goes makes it run again, in the folders below PATH too; what stays the
# same is not touched. Under make the program shares make's jobserver. (CMake's Makefiles do not forget a
# picture that is gone, and its ninja files do not know one with # in its name: then the program runs every
# time, and finds nothing to do.)
cmake_policy(PUSH)
cmake_policy(VERSION 3.21...3.31)

include(${CMAKE_CURRENT_LIST_DIR}/thumbpoolTargets.cmake)

# Makefiles have to say which commands get the jobserver: since CMake 3.28 there is a word for that, and
# before, make takes every line for its own that calls $(MAKE).
function(_thumbpool_jobserver ret_before ret_after)
    set(before)
    set(after)
    if(NOT CMAKE_VERSION VERSION_LESS 3.28)
        set(after JOB_SERVER_AWARE ON)
    elseif(CMAKE_GENERATOR MATCHES "Unix Makefiles")
        set(before ${CMAKE_COMMAND} -E env "MAKE=$(MAKE)")
    endif()
    set(${ret_before} ${before} PARENT_SCOPE)
    set(${ret_after} ${after} PARENT_SCOPE)
endfunction()

function(thumbpool_add_thumbnails target)
    cmake_parse_arguments(PARSE_ARGV 1 arg "ALL" "OUTPUT" "INPUTS;OPTIONS")
    if(arg_UNPARSED_ARGUMENTS OR NOT arg_OUTPUT OR NOT arg_INPUTS)
        message(FATAL_ERROR "thumbpool_add_thumbnails(TARGET [ALL] OUTPUT FOLDER INPUTS PATH... "
                            "[OPTIONS OPTION...])")
    endif()
    cmake_path(ABSOLUTE_PATH arg_OUTPUT BASE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR} NORMALIZE)
    set(inputs)
    foreach(input IN LISTS arg_INPUTS)
        cmake_path(ABSOLUTE_PATH input BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR} NORMALIZE)
        list(APPEND inputs ${input})
    endforeach()
    set(all)
    if(arg_ALL)
        set(all ALL)
    endif()
    set(stamp ${CMAKE_CURRENT_BINARY_DIR}/${target}.stamp)
    _thumbpool_jobserver(before after)
    add_custom_command(
        OUTPUT ${stamp}
        COMMAND ${before} $<TARGET_FILE:thumbpool::thumbpool> --quiet ${arg_OPTIONS} -o ${arg_OUTPUT}
                --depfile ${stamp}.d --depfile-target ${stamp} ${inputs}
        COMMAND ${CMAKE_COMMAND} -E touch ${stamp}
        DEPENDS ${inputs} $<TARGET_FILE:thumbpool::thumbpool>
        DEPFILE ${stamp}.d
        COMMENT "Making thumbnails for ${target}"
        ${after}
        VERBATIM)
    add_custom_target(${target} ${all} DEPENDS ${stamp})
endfunction()

cmake_policy(POP)
