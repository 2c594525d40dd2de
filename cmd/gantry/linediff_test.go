package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLineDiff(t *testing.T) {
	for _, c := range []struct{ name, before, after, want string }{
		{"equal", "a\nb\n", "a\nb\n", ""},
		{
			"one line, with context", "1\n2\n3\n4 \n5\n6\n7\n", "1\n2\n3\n4\n5\n6\n7\n",
			"--- f\n+++ f\n@@ -2,5 +2,5 @@\n 2\n 3\n-4 \n+4\n 5\n 6\n",
		},
		{
			"changes that are near share a hunk", "1 \n2\n3\n4 \n5\n", "1\n2\n3\n4\n5\n",
			"--- f\n+++ f\n@@ -1,6 +1,6 @@\n-1 \n+1\n 2\n 3\n-4 \n+4\n 5\n \n",
		},
		{
			"changes that are far do not", "1 \n2\n3\n4\n5\n6\n7\n8 \n", "1\n2\n3\n4\n5\n6\n7\n8\n",
			"--- f\n+++ f\n@@ -1,3 +1,3 @@\n-1 \n+1\n 2\n 3\n@@ -6,4 +6,4 @@\n 6\n 7\n-8 \n+8\n \n",
		},
		{
			"lines next to each other", "a \nb \n", "a\nb\n",
			"--- f\n+++ f\n@@ -1,3 +1,3 @@\n-a \n-b \n+a\n+b\n \n",
		},
		{
			"another number of lines", "a\nb", "a",
			"--- f\n+++ f\n@@ -1,2 +1,1 @@\n a\n-b\n",
		},
		{
			"lines that are added", "1\n2\n3\n4\n5\n6\n", "1\n2\n3\na\nb\n4\n5\n6\n",
			"--- f\n+++ f\n@@ -2,4 +2,6 @@\n 2\n 3\n+a\n+b\n 4\n 5\n",
		},
		{
			"lines that are repeated", "a\na\n", "a\na\na\n",
			"--- f\n+++ f\n@@ -1,3 +1,4 @@\n a\n a\n+a\n \n",
		},
		{
			"nothing in common", "a", "b\nc",
			"--- f\n+++ f\n@@ -1,1 +1,2 @@\n-a\n+b\n+c\n",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, lineDiff("f", c.before, c.after)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
