# Run by cpack over the files of a package before it is made: what distributions want otherwise than `cmake --install`
# does it. SOURCE_DATE_EPOCH, where it is set, is the time of every file.
cmake_minimum_required(VERSION 3.25)

set(source ${CMAKE_CURRENT_LIST_DIR}/../..)
file(GLOB_RECURSE binary ${CPACK_TEMPORARY_DIRECTORY}/*/bin/gpuinit)
get_filename_component(usr ${binary} DIRECTORY)
get_filename_component(usr ${usr} DIRECTORY)
get_filename_component(root ${usr} DIRECTORY)

function(run)
  execute_process(COMMAND ${ARGV} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

set(doc ${usr}/share/doc/gpuinit)
file(MAKE_DIRECTORY ${doc})
run(gzip -9n ${usr}/share/man/man1/gpuinit.1)
if(CPACK_GENERATOR STREQUAL DEB)
  file(MAKE_DIRECTORY ${usr}/share/zsh/vendor-completions ${usr}/share/lintian/overrides)
  file(RENAME ${usr}/share/zsh/site-functions/_gpuinit ${usr}/share/zsh/vendor-completions/_gpuinit)
  file(REMOVE_RECURSE ${usr}/share/zsh/site-functions)
  run(python3 ${CMAKE_CURRENT_LIST_DIR}/debian_files.py ${source} ${CPACK_PACKAGE_VERSION} ${CPACK_PACKAGE_CONTACT} ${usr})
  run(gzip -9n ${doc}/changelog)
else()
  file(COPY ${source}/LICENSE ${source}/THIRD-PARTY-NOTICES.md ${source}/docs/licenses/LGPL-2.1.txt DESTINATION ${doc})
endif()

# Whatever umask it was built with.
run(find ${usr} -type d -exec chmod 755 {} +)
run(find ${usr} -type f -exec chmod 644 {} +)
run(chmod 755 ${binary})
if(DEFINED ENV{SOURCE_DATE_EPOCH})
  run(find ${root} -exec touch --no-dereference --date=@$ENV{SOURCE_DATE_EPOCH} {} +)
endif()
