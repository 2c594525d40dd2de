package soak

import "testing"

func TestCounts(t *testing.T) {
	for _, test := range []struct {
		soak, rounds, seed string
		want               int
		first              uint64
		seeds              int
	}{
		{"", "", "", 10, 1, 10},
		{"1", "", "", 200, 1, 200},
		{"1", "7", "", 7, 1, 7},
		{"", "7", "501", 7, 501, 7},
		{"1", "", "501", 200, 501, 1},
	} {
		t.Setenv(Variable, test.soak)
		t.Setenv(RoundsVariable, test.rounds)
		t.Setenv(SeedVariable, test.seed)
		first, seeds := Seeds(10, 200)
		if got := Rounds(10, 200); got != test.want || first != test.first || seeds != test.seeds {
			t.Errorf("%+v: %d rounds, %d seeds from %d", test, got, seeds, first)
		}
	}
}

func TestACountThatIsNone(t *testing.T) {
	t.Setenv(RoundsVariable, "many")
	defer func() {
		if recover() == nil {
			t.Error("it was taken for a count")
		}
	}()
	Rounds(1, 2)
}
