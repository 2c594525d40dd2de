policy "asked" {
  enforcement = "approve"
  violated    = object.kind == "Service"

  approvals {
    count  = 0
#            ^ Unsuitable value: No approvals are needed, so that the block has no effect. Set how many are, or remove it.
    groups = []
#            ^^ Unsuitable value: The argument "groups" is an empty list. Nobody could approve.
  }
}

policy "nobody_is_asked" {
  violated = object.kind == "Service"

  approvals {
# ^^^^^^^^^ Conflicting arguments: The block says who approves, and with enforcement = "deny" nobody is asked. Set enforcement = "approve", or remove the block.
    groups = ["security"]
  }
}

policy "only_told" {
  enforcement = "warn"
  violated    = object.kind == "Service"

  approvals {
# ^^^^^^^^^ Conflicting arguments: The block says who approves, and with enforcement = "warn" nobody is asked. Set enforcement = "approve", or remove the block.
    not_author = true
  }
}

policy "right" {
  enforcement = "approve"
  violated    = object.kind == "Service"

  approvals {
    count      = 2
    groups     = ["security", "!contractors"]
    not_author = true
  }
}
