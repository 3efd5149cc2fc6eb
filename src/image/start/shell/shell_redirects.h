// The redirections of one command, while it runs.
#pragma once

#include "image/start/shell/shell_interpreter.h"

namespace gpuinit::image::shell {

class RedirectScope {
 public:
  RedirectScope(Interpreter& shell, const Node& node);
  ~RedirectScope();
  RedirectScope(const RedirectScope&) = delete;
  RedirectScope& operator=(const RedirectScope&) = delete;
  void keep() { keep_ = true; }  // `exec >file`: for good

 private:
  void apply(const Redirect& redirect);

  Interpreter& shell_;
  const bool elsewhere_;
  const int input_;
  bool merged_ = false;  // 2>&1
  bool keep_ = false;
};

}  // namespace gpuinit::image::shell
