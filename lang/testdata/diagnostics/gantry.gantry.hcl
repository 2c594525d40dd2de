# Settings that make no sense.

gantry {
  required_version = "newest"
#                    ^^^^^^^^ Invalid version constraint: "newest" is no version constraint. Write one such as ">= 0.1, < 2" or "~> 1.4".

  backend "local" {
    pth = "x"
#   ^^^ Unsupported argument: An argument named "pth" is not expected here. Did you mean "path"?
  }
  backend "local" {
# ^^^^^^^^^^^^^^^ Duplicate block: There may be one backend block in a gantry block; the first is at gantry.gantry.hcl:7,3-18. Put the arguments of both into one.
  }
}
