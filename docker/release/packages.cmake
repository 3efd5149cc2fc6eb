# The .deb and the .rpm: cpack -G DEB, cpack -G RPM. They have the static program and its texts, and not the Python
# probes, which need the C library of the machine; the tar.gz of docker/release.sh has these too.
set(CPACK_PACKAGE_VENDOR "gpuinit")
set(CPACK_PACKAGE_CONTACT "gpuinit maintainers <maintainers@gpuinit.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "entrypoint of a GPU container that checks it before it runs")
set(CPACK_PACKAGE_DESCRIPTION "gpuinit finds out in milliseconds, before Python starts and before a GPU is
taken, whether an image can work on a node: interpreter, torch, libraries,
driver and GPU. Then it becomes the command, or says what is wrong, why and
what to do, and exits with a code for schedulers. It can stay as PID 1 and
supervise.")
set(CPACK_PACKAGE_RELOCATABLE OFF)
set(CPACK_INSTALL_CMAKE_PROJECTS "${CMAKE_BINARY_DIR};${PROJECT_NAME};Unspecified;/")
set(CPACK_STRIP_FILES OFF)
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/docker/release/stage_package.cmake)

set(gpuinit_deb_machine ${CMAKE_SYSTEM_PROCESSOR})
set(gpuinit_rpm_machine ${CMAKE_SYSTEM_PROCESSOR})
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  set(gpuinit_deb_machine amd64)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
  set(gpuinit_deb_machine arm64)
  set(gpuinit_rpm_machine aarch64)
endif()

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE ${gpuinit_deb_machine})
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)

set(CPACK_RPM_FILE_NAME RPM-DEFAULT)
set(CPACK_RPM_PACKAGE_ARCHITECTURE ${gpuinit_rpm_machine})
set(CPACK_RPM_PACKAGE_LICENSE "Apache-2.0 AND LGPL-2.1-or-later AND LGPL-2.1-only AND MIT")
set(CPACK_RPM_PACKAGE_DESCRIPTION "${CPACK_PACKAGE_DESCRIPTION}")
set(CPACK_RPM_PACKAGE_RELEASE 1)
set(CPACK_RPM_PACKAGE_AUTOREQPROV OFF)
# The same file from the same commit, whenever and wherever.
set(CPACK_RPM_SPEC_MORE_DEFINE "%define _buildhost gpuinit
%define use_source_date_epoch_as_buildtime 1
%define clamp_mtime_to_source_date_epoch 1
%define _binary_payload w9.gzdio
%define __os_install_post %{nil}")
set(CPACK_RPM_EXCLUDE_FROM_AUTO_FILELIST_ADDITION /usr/share/bash-completion /usr/share/bash-completion/completions
  /usr/share/fish /usr/share/fish/vendor_completions.d /usr/share/zsh /usr/share/zsh/site-functions /usr/share/man
  /usr/share/man/man1 /usr/share/doc)

include(CPack)
