# Three Debian packages by CPack: the program, the library, and what a build with the library needs.
# Each is a component of the installation, too: cmake --install BUILD --component thumbpool.
#
# The presets make them: cmake --workflow --preset package. Without the presets the build wants
# -DCMAKE_INSTALL_PREFIX=/usr, by which CMake finds Debian's folder for libraries.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME thumbpool)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "") # each package has its own
set(CPACK_PACKAGE_DIRECTORY ${PROJECT_BINARY_DIR})
set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

# The packager's address is asked of the environment, as Debian's own tools do.
set(packager "$ENV{DEBFULLNAME}")
set(address "$ENV{DEBEMAIL}")
if(packager STREQUAL "")
    set(packager "The thumbpool authors")
endif()
if(address STREQUAL "")
    set(address "packager@localhost")
endif()
set(CPACK_DEBIAN_PACKAGE_MAINTAINER "${packager} <${address}>")
set(CPACK_DEBIAN_PACKAGE_SOURCE thumbpool)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

# The library's package is called after its SONAME.
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL thumbpool libmproc libmproc-dev)
get_target_property(soversion mproc-shared SOVERSION)
set(CPACK_DEBIAN_THUMBPOOL_PACKAGE_NAME thumbpool)
set(CPACK_DEBIAN_THUMBPOOL_PACKAGE_SECTION graphics)
set(CPACK_DEBIAN_LIBMPROC_PACKAGE_NAME libmproc${soversion})
set(CPACK_DEBIAN_LIBMPROC_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_LIBMPROC_PACKAGE_MULTIARCH same) # heeded by CMake 3.31 and later
set(CPACK_DEBIAN_LIBMPROC-DEV_PACKAGE_NAME libmproc-dev)
set(CPACK_DEBIAN_LIBMPROC-DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_LIBMPROC-DEV_PACKAGE_MULTIARCH same)

set(CPACK_COMPONENT_THUMBPOOL_DESCRIPTION
"thumbnails of whole photo folders, on all CPUs
thumbpool makes blurred or plain thumbnails of all pictures in folders, on a
pool of worker processes. The folder tree is mirrored, a second run makes only
what has changed, and a picture that is damaged or crashes its worker fails
alone, with a sentence.

JPEG and PNG are read and written directly. WebP, GIF, TIFF, HEIC and AVIF
take libvips, which is loaded when such a picture comes.")
set(CPACK_COMPONENT_LIBMPROC_DESCRIPTION
"processes, and jobs on worker processes - shared library
mproc is for C what multiprocessing and concurrent.futures are for Python:
processes, locks, queues, pools, and an executor with futures. A worker that
dies costs the one job that it ran, jobs have deadlines, and no process
outlives its parent.

This package holds the shared library.")
string(REPLACE "shared library\nmproc" "development files\nmproc" CPACK_COMPONENT_LIBMPROC-DEV_DESCRIPTION
       "${CPACK_COMPONENT_LIBMPROC_DESCRIPTION}")
string(REPLACE "holds the shared library" "holds the header, the static library and the manual pages"
       CPACK_COMPONENT_LIBMPROC-DEV_DESCRIPTION "${CPACK_COMPONENT_LIBMPROC-DEV_DESCRIPTION}")

# What else Debian wants is done when the files of each component lie in a folder of their own. CPack's own ways
# to find dependencies are off: they take all that any file needs for indispensable, and call ldconfig in a script.
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS OFF)
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_LIST_DIR}/stage.cmake)
set(CPACK_THUMBPOOL_SOURCE ${PROJECT_SOURCE_DIR})
set(CPACK_THUMBPOOL_SOVERSION ${soversion})
set(CPACK_THUMBPOOL_CONTROL ${PROJECT_BINARY_DIR}/package)
set(CPACK_DEBIAN_LIBMPROC_PACKAGE_CONTROL_EXTRA
    ${CPACK_THUMBPOOL_CONTROL}/shlibs ${CPACK_THUMBPOOL_CONTROL}/triggers)
include(CPack)
