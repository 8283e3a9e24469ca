# Run by CPack when the files of each component lie in a folder of their own, before they are packed: strips them,
# adds what Debian wants in every package, and finds out which other packages are needed.
#     CPACK_TEMPORARY_DIRECTORY              a folder with a folder for each component
#     CPACK_THUMBPOOL_SOURCE, _SOVERSION     the tree; the library's number
#     CPACK_THUMBPOOL_CONTROL                a folder for what is written meanwhile
# Sets what CPack reads afterwards: CPACK_DEBIAN_COMPONENT_PACKAGE_DEPENDS and _RECOMMENDS.
cmake_minimum_required(VERSION 3.25)
set(here ${CPACK_THUMBPOOL_SOURCE}/src/package)
set(work ${CPACK_THUMBPOOL_CONTROL})
set(version ${CPACK_PACKAGE_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE})

# run(COMMAND [ARGUMENT | OPTION OF execute_process]...): it succeeds, or no package is made
macro(run)
    execute_process(COMMAND ${ARGV} COMMAND_ERROR_IS_FATAL ANY)
endmacro()

# The sections that dh_strip takes away, too.
function(strip_files folder)
    set(comments --remove-section=.comment --remove-section=.note)
    file(GLOB_RECURSE shared ${folder}/usr/lib/*.so*)
    file(GLOB_RECURSE static ${folder}/usr/lib/*.a)
    file(GLOB programs ${folder}/usr/bin/*)
    foreach(file IN LISTS programs shared)
        if(NOT IS_SYMLINK ${file})
            run(strip --strip-unneeded ${comments} ${file})
        endif()
    endforeach()
    foreach(file IN LISTS static)
        run(strip --strip-debug ${comments} --enable-deterministic-archives ${file})
    endforeach()
endfunction()

# Manual pages are compressed; one that only names another becomes a link to that.
function(compress_pages folder)
    file(GLOB_RECURSE pages ${folder}/usr/share/man/*)
    foreach(page IN LISTS pages)
        file(READ ${page} beginning LIMIT 200)
        if(beginning MATCHES "^\\.so man[0-9]/([^\n]+)")
            file(REMOVE ${page})
            file(CREATE_LINK ${CMAKE_MATCH_1}.gz ${page}.gz SYMBOLIC)
        elseif(NOT page MATCHES "\\.gz$")
            run(gzip -9n ${page})
        endif()
    endforeach()
endfunction()

# Debian's zsh looks for what packages bring in a folder of its own.
function(move_completions folder)
    set(zsh ${folder}/usr/share/zsh)
    if(EXISTS ${zsh}/site-functions)
        file(RENAME ${zsh}/site-functions ${zsh}/vendor-completions)
    endif()
endfunction()

# The text of the licence, as a field of the file copyright: indented, a full stop for an empty line.
function(read_licence ret)
    file(READ ${CPACK_THUMBPOOL_SOURCE}/LICENSE text)
    string(REGEX REPLACE "^.*\nCopyright[^\n]*\n\n" "" text "${text}")
    string(STRIP "${text}" text)
    string(REPLACE "\n" "\n " text "\n${text}")
    string(REPLACE "\n \n" "\n .\n" text "${text}")
    string(REGEX REPLACE "^\n" "" text "${text}")
    set(${ret} "${text}" PARENT_SCOPE)
endfunction()

# The licence, both changelogs, and why some of lintian's remarks do not count.
function(add_documents folder package)
    set(documents ${folder}/usr/share/doc/${package})
    file(MAKE_DIRECTORY ${documents})
    read_licence(LICENCE)
    configure_file(${here}/copyright.in ${documents}/copyright @ONLY)
    configure_file(${CPACK_THUMBPOOL_SOURCE}/.github/CHANGELOG.md ${documents}/changelog COPYONLY)
    string(TIMESTAMP now "%Y-%m-%d" UTC) # or SOURCE_DATE_EPOCH
    run(awk -v source=thumbpool -v revision=${CPACK_DEBIAN_PACKAGE_RELEASE} -v today=${now}
        -v "packager=${CPACK_DEBIAN_PACKAGE_MAINTAINER}"
        -f ${here}/changelog.awk ${documents}/changelog OUTPUT_FILE ${documents}/changelog.Debian)
    run(gzip -9n ${documents}/changelog ${documents}/changelog.Debian)
    set(overrides ${folder}/usr/share/lintian/overrides)
    file(MAKE_DIRECTORY ${overrides})
    foreach(name common ${package})
        if(EXISTS ${here}/${name}.overrides)
            file(READ ${here}/${name}.overrides text)
            file(APPEND ${overrides}/${package} "${text}")
        endif()
    endforeach()
endfunction()

# needs(PROGRAM LIBRARY RET_DEPENDS RET_RECOMMENDS): the packages that PROGRAM wants, and those that LIBRARY wants
# besides; LIBRARY may be empty
function(needs program library ret_depends ret_recommends)
    set(files -dDepends -e ${program})
    if(library)
        list(APPEND files -dRecommends -e ${library})
    endif()
    file(WRITE ${work}/debian/control "") # it wants to see one
    run(dpkg-shlibdeps -O ${files} WORKING_DIRECTORY ${work} OUTPUT_VARIABLE found)
    foreach(field Depends Recommends)
        string(TOLOWER ret_${field} ret)
        string(REGEX MATCH "shlibs:${field}=([^\n]*)" line "${found}")
        set(${${ret}} "${CMAKE_MATCH_1}" PARENT_SCOPE)
    endforeach()
endfunction()

file(REMOVE_RECURSE ${work})
foreach(component IN LISTS CPACK_COMPONENTS_ALL)
    set(folder ${CPACK_TEMPORARY_DIRECTORY}/${component})
    string(TOUPPER ${component} upper)
    strip_files(${folder})
    compress_pages(${folder})
    move_completions(${folder})
    add_documents(${folder} ${CPACK_DEBIAN_${upper}_PACKAGE_NAME})
endforeach()

# The program works without libvips, but for the pictures that take it.
file(GLOB_RECURSE module ${CPACK_TEMPORARY_DIRECTORY}/thumbpool/usr/lib/*/thumbpool-vips.so)
needs(${CPACK_TEMPORARY_DIRECTORY}/thumbpool/usr/bin/thumbpool "${module}"
      CPACK_DEBIAN_THUMBPOOL_PACKAGE_DEPENDS CPACK_DEBIAN_THUMBPOOL_PACKAGE_RECOMMENDS)

set(library ${CPACK_DEBIAN_LIBMPROC_PACKAGE_NAME})
file(GLOB_RECURSE file ${CPACK_TEMPORARY_DIRECTORY}/libmproc/usr/lib/*.so.${CPACK_PACKAGE_VERSION})
needs(${file} "" CPACK_DEBIAN_LIBMPROC_PACKAGE_DEPENDS unused)
set(CPACK_DEBIAN_LIBMPROC-DEV_PACKAGE_DEPENDS "${library} (= ${version}), libc6-dev | libc-dev")

# While the version is 0.x, a program needs the library of the minor version that it was built with.
string(REGEX MATCH "^([0-9]+)\\.([0-9]+)" minor ${CPACK_PACKAGE_VERSION})
math(EXPR next "${CMAKE_MATCH_2} + 1")
file(WRITE ${work}/shlibs "libmproc ${CPACK_THUMBPOOL_SOVERSION} ${library} (>= ${minor}), "
                          "${library} (<< ${CMAKE_MATCH_1}.${next}~)\n")
file(WRITE ${work}/triggers "activate-noawait ldconfig\n")
