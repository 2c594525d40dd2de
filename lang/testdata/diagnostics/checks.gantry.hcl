# Assertions that do not hold.

variable "n" {
  default = 2
}

variable "password" {
  default   = "hunter2"
  sensitive = true
}

check "holds" {
  assert {
    condition     = var.n > 1
    error_message = "It must be more."
  }
}

check "fails" {
  assert {
    condition     = var.n > 2
#                   ^^^^^^^^^ warning: Check failed: It is 2, and must be more than 2.\n\nThis is asserted by check.fails, and stops nothing.
    error_message = "It is ${var.n}, and must be more than 2."
  }
  assert {
    condition     = length(var.password) > 10
#                   ^^^^^^^^^^^^^^^^^^^^^^^^^ warning: Check failed: The message is (sensitive), as it holds a sensitive value.\n\nThis is asserted by check.fails, and stops nothing.
    error_message = "It is ${var.password}."
  }
  assert {
    condition     = var.n > "x"
#                           ^^^ warning: Invalid operand: Unsuitable value for right operand: a number is required.
    error_message = "Never."
  }
  assert {
    condition     = { a = 1 }
#                   ^^^^^^^^^ Invalid assertion: A condition must be true or false, but this is an object.
    error_message = "Never."
  }
  assert {
    condition     = false
#                   ^^^^^ warning: Check failed: The condition does not hold.\n\nThis is asserted by check.fails, and stops nothing.
    error_message = null
  }
}

check "empty" {
#^^^^^^^^^^^^ Missing block: The check block needs an assert block: something that should be so.
}

check "half" {
  assert {
# ^^^^^^ Missing required argument: The assert block needs the argument "error_message", an expression: a sentence that says what is wrong.
    condition = var.m
#               ^^^^^ Reference to undeclared block: No variable "m" is declared in this configuration. Did you mean var.n?
  }
}

check "each" {
  for_each = { a = 1, b = 2 }
  assert {
    condition     = each.value < 2
#                   ^^^^^^^^^^^^^^ warning: Check failed: b is too much.\n\nThis is asserted by check.each["b"], and stops nothing.
    error_message = "${each.key} is too much."
  }
}
