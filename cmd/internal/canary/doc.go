// Package canary holds one test and no code: secrets are put into everything that
// gantry reads, and looked for, in every encoding that is likely, in everything that
// it writes. Nothing imports it.
package canary
