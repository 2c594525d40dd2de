package function

import (
	"encoding/binary"
	"fmt"
	"math/big"
	"net/netip"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/gocty"
)

func prefixArg(args []cty.Value) (netip.Prefix, error) {
	prefix, err := netip.ParsePrefix(args[0].AsString())
	if err != nil {
		return prefix, function.NewArgErrorf(0, "it is no network such as 10.0.0.0/16 or fd00::/48")
	}
	return prefix.Masked(), nil
}

func number(name string) function.Parameter { return function.Parameter{Name: name, Type: cty.Number} }

func intArg(args []cty.Value, i int) (*big.Int, error) {
	whole, accuracy := args[i].AsBigFloat().Int(nil)
	if accuracy != big.Exact {
		return nil, function.NewArgErrorf(i, "it must be a whole number")
	}
	return whole, nil
}

// address returns the address at an offset in a network.
func address(prefix netip.Prefix, offset *big.Int) netip.Addr {
	bytes := prefix.Addr().AsSlice()
	sum := new(big.Int).Add(new(big.Int).SetBytes(bytes), offset)
	out, _ := netip.AddrFromSlice(sum.FillBytes(make([]byte, len(bytes))))
	return out
}

var cidrHostFunc = function.New(&function.Spec{
	Description: "Returns the address of a host in a network by its number; negative numbers count from the end.",
	Params:      []function.Parameter{text("prefix"), number("hostnum")},
	Type:        function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		prefix, err := prefixArg(args)
		if err != nil {
			return cty.NilVal, err
		}
		host, err := intArg(args, 1)
		if err != nil {
			return cty.NilVal, err
		}
		size := new(big.Int).Lsh(big.NewInt(1), uint(prefix.Addr().BitLen()-prefix.Bits()))
		if host.Sign() < 0 {
			host.Add(host, size)
		}
		if host.Sign() < 0 || host.Cmp(size) >= 0 {
			return cty.NilVal, function.NewArgErrorf(1, "%s has %s addresses", prefix, size)
		}
		return cty.StringVal(address(prefix, host).String()), nil
	},
})

var cidrNetmaskFunc = function.New(&function.Spec{
	Description: "Returns the netmask of an IPv4 network.",
	Params:      []function.Parameter{text("prefix")},
	Type:        function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		prefix, err := prefixArg(args)
		if err != nil {
			return cty.NilVal, err
		}
		if !prefix.Addr().Is4() {
			return cty.NilVal, function.NewArgErrorf(0, "IPv6 networks have no netmask")
		}
		var mask [4]byte
		binary.BigEndian.PutUint32(mask[:], ^uint32(0)<<(32-prefix.Bits()))
		if prefix.Bits() == 0 {
			mask = [4]byte{}
		}
		return cty.StringVal(netip.AddrFrom4(mask).String()), nil
	},
})

// subnet returns a network within another: its number among those of its size.
func subnet(prefix netip.Prefix, newBits int, number *big.Int) (netip.Prefix, error) {
	bits, length := prefix.Bits()+newBits, prefix.Addr().BitLen()
	if newBits < 0 || bits > length {
		return prefix, fmt.Errorf("%s cannot be extended by %d bits", prefix, newBits)
	}
	if number.Sign() < 0 || number.BitLen() > newBits {
		return prefix, fmt.Errorf("%s has no subnet number %s of %d more bits", prefix, number, newBits)
	}
	return netip.PrefixFrom(address(prefix, new(big.Int).Lsh(number, uint(length-bits))), bits), nil
}

var cidrSubnetFunc = function.New(&function.Spec{
	Description: "Returns a network within another, which has newbits more bits and the number netnum.",
	Params:      []function.Parameter{text("prefix"), number("newbits"), number("netnum")},
	Type:        function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		prefix, err := prefixArg(args)
		if err != nil {
			return cty.NilVal, err
		}
		var newBits int
		if err := gocty.FromCtyValue(args[1], &newBits); err != nil {
			return cty.NilVal, function.NewArgErrorf(1, "it must be a whole number")
		}
		index, err := intArg(args, 2)
		if err != nil {
			return cty.NilVal, err
		}
		inner, err := subnet(prefix, newBits, index)
		if err != nil {
			return cty.NilVal, err
		}
		return cty.StringVal(inner.String()), nil
	},
})

var cidrSubnetsFunc = function.New(&function.Spec{
	Description: "Returns consecutive networks within another, each with as many more bits as its argument says.",
	Params:      []function.Parameter{text("prefix")},
	VarParam:    &function.Parameter{Name: "newbits", Type: cty.Number},
	Type:        function.StaticReturnType(cty.List(cty.String)),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		prefix, err := prefixArg(args)
		if err != nil {
			return cty.NilVal, err
		}
		if len(args) == 1 {
			return cty.ListValEmpty(cty.String), nil
		}
		length := prefix.Addr().BitLen()
		end := new(big.Int).Lsh(big.NewInt(1), uint(length-prefix.Bits()))
		next := new(big.Int)
		var out []cty.Value
		for i := range args[1:] {
			var newBits int
			if err := gocty.FromCtyValue(args[i+1], &newBits); err != nil || newBits < 1 || prefix.Bits()+newBits > length {
				return cty.NilVal, function.NewArgErrorf(i+1, "%s cannot be extended by that many bits", prefix)
			}
			size := new(big.Int).Lsh(big.NewInt(1), uint(length-prefix.Bits()-newBits))
			if rest := new(big.Int).Mod(next, size); rest.Sign() > 0 {
				next.Add(next, new(big.Int).Sub(size, rest))
			}
			if new(big.Int).Add(next, size).Cmp(end) > 0 {
				return cty.NilVal, function.NewArgErrorf(i+1, "%s has no room left for it", prefix)
			}
			out = append(out, cty.StringVal(netip.PrefixFrom(address(prefix, next), prefix.Bits()+newBits).String()))
			next.Add(next, size)
		}
		return cty.ListVal(out), nil
	},
})
