# Writes OUTPUT, the commit of SOURCE as a C string, if it says something else: COMMIT where that is given, else what git
# says ("-dirty" behind it where a file was changed), else "unknown".
if(COMMIT STREQUAL "" AND EXISTS ${SOURCE}/.git)
  set(ENV{GIT_OPTIONAL_LOCKS} 0)
  execute_process(COMMAND git -C ${SOURCE} describe --always --exclude=* --abbrev=12 --dirty
    OUTPUT_VARIABLE COMMIT OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
if(NOT COMMIT MATCHES "^[0-9A-Za-z._+-]+$")
  set(COMMIT unknown)
endif()
file(CONFIGURE OUTPUT ${OUTPUT} CONTENT "\"${COMMIT}\"\n" @ONLY)
