// The names of every field of facts.h in JSON: `describe(archive, struct)` lists those of one
// struct. facts_reader.cpp, facts_writer.cpp and the test of unknown facts walk them.
//
// An archive offers `field(name, member, form)` for what may be left out and
// `required(name, member, form)` for plain members whose default would claim
// something (an open_errno of 0 says "it opened"). Names are those of facts.h;
// image.* and node.* of the README are a contract and never change.
#pragma once

#include "facts/image_fields.h"
#include "facts/node_fields.h"
