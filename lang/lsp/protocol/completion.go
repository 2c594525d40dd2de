package protocol

// CompletionList is what may be written at a place.
type CompletionList struct {
	IsIncomplete bool             `json:"isIncomplete"`
	Items        []CompletionItem `json:"items"`
}

// CompletionKind says what a completion is, for its icon.
type CompletionKind int

// The kinds of completions.
const (
	CompletionFunction   CompletionKind = 3
	CompletionField      CompletionKind = 5
	CompletionVariable   CompletionKind = 6
	CompletionClass      CompletionKind = 7
	CompletionModule     CompletionKind = 9
	CompletionProperty   CompletionKind = 10
	CompletionValue      CompletionKind = 12
	CompletionEnumMember CompletionKind = 20
)

// InsertFormat says how the text of a completion is meant.
type InsertFormat int

// The formats of completions.
const (
	InsertPlain   InsertFormat = 1
	InsertSnippet InsertFormat = 2
)

// AdjustIndentation has the lines of a completion indented as the one it is in.
const AdjustIndentation = 2

// CompletionItem is one thing that may be written.
type CompletionItem struct {
	Label            string         `json:"label"`
	Kind             CompletionKind `json:"kind"`
	Detail           string         `json:"detail,omitempty"`
	Documentation    *MarkupContent `json:"documentation,omitempty"`
	SortText         string         `json:"sortText,omitempty"`
	FilterText       string         `json:"filterText,omitempty"`
	InsertTextFormat InsertFormat   `json:"insertTextFormat"`
	InsertTextMode   int            `json:"insertTextMode,omitempty"`
	TextEdit         TextEdit       `json:"textEdit"`
}
