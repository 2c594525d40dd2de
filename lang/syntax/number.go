package syntax

import (
	"bytes"
	"fmt"
	"strconv"
)

// maxNumber bounds the digits of a number as it is written, and those that it
// stands for: 1e1000 is one and a thousand zeros. Numbers beyond take minutes to be
// made into text.
const maxNumber = 1000

// number measures the number at the start of a text: how long it is, and what is
// too much in it.
func number(rest []byte) (int, *excess) {
	digits := func(from int) int {
		to := from
		for to < len(rest) && rest[to] >= '0' && rest[to] <= '9' {
			to++
		}
		return to
	}
	end := digits(0)
	if fraction := end + 1; end < len(rest) && rest[end] == '.' && digits(fraction) > fraction {
		end = digits(fraction)
	}
	if end > maxNumber {
		return end, tooLarge()
	}
	if end == len(rest) || rest[end] != 'e' && rest[end] != 'E' {
		return end, nil
	}
	exponent := end + 1
	if exponent < len(rest) && (rest[exponent] == '+' || rest[exponent] == '-') {
		exponent++
	}
	last := digits(exponent)
	if last == exponent {
		return end, nil
	}
	power := bytes.TrimLeft(rest[exponent:last], "0")
	if n, err := strconv.Atoi(string(power)); len(power) > 0 && (err != nil || n > maxNumber) {
		return last, tooLarge()
	}
	return last, nil
}

func tooLarge() *excess {
	return &excess{
		summary: "Number too large",
		detail:  fmt.Sprintf("A number may have up to %d digits, those included that its exponent stands for. Write it as a string if that is what is meant.", maxNumber),
	}
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// inName reports whether a byte can be part of a name, so that digits after it are.
func inName(c byte) bool {
	return isDigit(c) || c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}
