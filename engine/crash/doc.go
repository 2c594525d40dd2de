// Package crash has tests only: of applies that are killed, stopped, cut off and set
// against each other, in processes of their own or in a simulation.
package crash
