// What becomes of a process that has exec'ed while the command's tree is followed.
#pragma once

namespace gpuinit {

enum class AtExec {
  kGoesOn,    // followed as before
  kIsLetGo,   // followed no longer, nor what it starts
  kIsJudged,  // a judge is asked, and it waits for the answer
};

// What a judge answers, as an exit status: one of these, or the exit code of the verdict that
// ends the command (64 and up).
enum Judgement : int {
  kGoodVerdict = 0,    // nothing is left to be followed for
  kNotJudged = 1,      // it goes on
  kNotToFollow = 2,    // it is let go, with what it starts
  kNothingToJudge = 3  // it is what was waited for, and no check speaks about it: as kGoodVerdict
};

}  // namespace gpuinit
