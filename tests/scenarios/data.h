// Scenarios are TOML; here they become plain JSON values, which is what the tests work on.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace gpuinit::test {

// Throws with file, line and column on anything that is not TOML.
base::Json read_toml(const std::filesystem::path& file);

// `$name` in every key and every text becomes names[name]; other `$` stay ("$ORIGIN").
base::Json expanded(const base::Json& json, const base::Json& names);

// `above` over `below`: tables key by key, everything else as a whole. Where `above` has
// `remove = […]`, the keys named there, and those below them as paths, go from the tables of
// `below` first. A table that is one fact ({absent = "…"}, {unknown = "…"}) replaces.
base::Json merged(base::Json below, const base::Json& above);

// What lies under `key`: nothing, "", {} and false if there is no such key. A value of
// another type throws.
const base::Json& at(const base::Json& json, std::string_view key);
std::string text_at(const base::Json& json, std::string_view key,
                    const std::string& otherwise = "");
std::vector<std::string> texts_at(const base::Json& json, std::string_view key);
const base::JsonObject& table_at(const base::Json& json, std::string_view key);
int number_at(const base::Json& json, std::string_view key, int otherwise = 0);
bool flag_at(const base::Json& json, std::string_view key);

void put(base::Json& object, const std::string& key, base::Json value);

}  // namespace gpuinit::test
