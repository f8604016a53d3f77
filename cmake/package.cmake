# What is shipped, and where each file goes: `make package` makes a Debian package and a tarball.
#
#   drover_ship(PROGRAMS|FILES|DIRECTORY what... DEB dir TARBALL dir)
#
# The same files in two trees, an install component each: `deb` as Debian lays out a machine,
# `tarball` as one folder to unpack anywhere. `cmake --install build/release --component tarball
# --prefix DIR` lays out the second without packing it.

include_guard(GLOBAL)

function(drover_ship kind)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "DEB;TARBALL" "")
  install(${kind} ${arg_UNPARSED_ARGUMENTS} DESTINATION "${arg_DEB}" COMPONENT deb EXCLUDE_FROM_ALL)
  install(${kind} ${arg_UNPARSED_ARGUMENTS} DESTINATION "${arg_TARBALL}" COMPONENT tarball
    EXCLUDE_FROM_ALL)
endfunction()

# Programs are installed as targets: those alone are stripped.
set(programs drover drover-broker drover-worker)
install(TARGETS ${programs} RUNTIME DESTINATION usr/bin COMPONENT deb EXCLUDE_FROM_ALL)
install(TARGETS ${programs} RUNTIME DESTINATION bin COMPONENT tarball EXCLUDE_FROM_ALL)

# The packaged settings are those that a machine needs; the full list goes along as an example.
drover_ship(FILES deploy/config/drover.yaml DEB etc/drover TARBALL etc/drover)
install(DIRECTORY DESTINATION etc/drover/agents COMPONENT deb EXCLUDE_FROM_ALL)
install(DIRECTORY DESTINATION etc/drover/agents COMPONENT tarball EXCLUDE_FROM_ALL)
drover_ship(FILES deploy/systemd/drover-broker.service "deploy/systemd/drover-worker@.service"
  DEB lib/systemd/system TARBALL systemd)

# The documents keep the repository's folders, so that their links hold.
set(documents usr/share/doc/drover)
drover_ship(FILES deploy/README.txt CHANGELOG.md ARCHITECTURE.md DEB ${documents} TARBALL .)
drover_ship(FILES config/drover.yaml DEB ${documents}/config TARBALL config)
drover_ship(FILES config/agents/code-review.yaml
  DEB ${documents}/config/agents TARBALL config/agents)
drover_ship(PROGRAMS scripts/agents/code-review
  DEB ${documents}/scripts/agents TARBALL scripts/agents)
drover_ship(DIRECTORY docs DEB ${documents} TARBALL .)
drover_ship(FILES schemas/wire/messages.yaml schemas/wire/errors.yaml
  DEB ${documents}/schemas/wire TARBALL schemas/wire)
if(EXISTS "${PROJECT_SOURCE_DIR}/LICENSE")
  install(FILES LICENSE DESTINATION ${documents} RENAME copyright COMPONENT deb EXCLUDE_FROM_ALL)
  install(FILES LICENSE DESTINATION . COMPONENT tarball EXCLUDE_FROM_ALL)
endif()

# --- packing --------------------------------------------------------------------------------------
set(CPACK_PACKAGE_NAME drover)
set(CPACK_PACKAGE_VENDOR Drover)
set(CPACK_PACKAGE_CONTACT "Drover <drover@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_GENERATOR DEB TGZ)
set(CPACK_PACKAGE_DIRECTORY "${PROJECT_BINARY_DIR}/package")
set(CPACK_PACKAGE_FILE_NAME "drover-${PROJECT_VERSION}-linux-${CMAKE_SYSTEM_PROCESSOR}")
set(CPACK_PACKAGE_CHECKSUM SHA256)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_THREADS 0)
set(CPACK_COMPONENTS_GROUPING ALL_COMPONENTS_IN_ONE)
set(CPACK_ARCHIVE_COMPONENT_INSTALL ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_PROJECT_CONFIG_FILE "${PROJECT_SOURCE_DIR}/cmake/package_generator.cmake")

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)  # drover_0.1.0_amd64.deb
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)   # what the programs are linked with, by dpkg-shlibdeps
set(CPACK_DEBIAN_PACKAGE_DEPENDS adduser)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"It keeps a task on disk before it says yes, runs the most urgent first,
retries what fails, and keeps what failed for good with its whole history.
.
This package has the broker (drover-broker.service, started at once on
loopback addresses), the worker (drover-worker@NAME.service, as many as you
enable) and the command line.")
foreach(script IN ITEMS conffiles postinst prerm postrm)
  list(APPEND CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA "${PROJECT_SOURCE_DIR}/deploy/debian/${script}")
endforeach()

include(CPack)
