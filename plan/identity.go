package plan

import "github.com/gantrycd/gantry/plan/identity"

// Identity is who runs a command, as roles are asked about it.
type Identity = identity.Identity
