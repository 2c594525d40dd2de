// Package s3 is a state store in a bucket of Amazon S3, or of another server that
// speaks its protocol and has conditional writes.
//
// Each key is an object, written with a condition that the server checks: that there
// is none yet (If-None-Match), or that it is still the one that was read (If-Match).
// What the object begins with makes every write different from every other, so that
// its entity tag stands for the write and not only for the value. The package neither
// makes buckets nor sets how they encrypt and keep versions. Only cmd/gantry imports
// it.
package s3

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/state"
)

// Options say which bucket, and how it is reached. Only Bucket is required.
type Options struct {
	Bucket string
	// Prefix is what the names of the objects begin with; default "gantry". Stores with
	// different prefixes do not see each other.
	Prefix string
	// Region is that of the bucket; default the environment's, and us-east-1 where there
	// is an Endpoint.
	Region string
	// Endpoint is the URL of the server; default that of AWS.
	Endpoint string
	// PathStyle has the bucket in the path of requests, and not in the name of the host.
	PathStyle bool
	// Profile is of the shared configuration files; default the environment's.
	Profile string
	// AccessKey and SecretKey log in; without them, what the AWS SDK finds does: the
	// environment, the shared files, the role of the machine.
	AccessKey string
	SecretKey object.Sensitive
	// Client sends the requests; default one of its own. It is for tests.
	Client aws.HTTPClient
}

// DefaultPrefix is the prefix of a store that names none.
const DefaultPrefix = "gantry"

// maxPrefix is how long a prefix may be: names of objects have 1,024 bytes.
const maxPrefix = 200

// Store is a state.Store in a bucket. A value's version is its object's entity tag.
type Store struct {
	client *awss3.Client
	bucket string
	prefix string // "gantry/", or empty

	opaque atomic.Bool // entity tags are not the MD5 of what objects hold

	probe   sync.Mutex // held while the server is asked whether it keeps conditions
	checked bool       // guarded by probe: it does
	names   sync.Map   // of objects whose name is not their key: to the key
	sweeps  bool       // guarded by probe: it keeps conditions of deletions, too
	tried   time.Time  // guarded by probe: when it was last swept
}

var (
	_ state.Store      = (*Store)(nil)
	_ state.BulkReader = (*Store)(nil)
)

// New returns the store in a bucket. It sends nothing: what is wrong with the server
// is told by the first call, and whether it keeps conditions is found out before the
// first write.
func New(ctx context.Context, options Options) (*Store, error) {
	if options.Bucket == "" {
		return nil, errors.New("no bucket is named")
	}
	prefix := options.Prefix
	if prefix == "" {
		prefix = DefaultPrefix
	}
	if err := checkPrefix(prefix); err != nil {
		return nil, err
	}
	if (options.AccessKey == "") != (options.SecretKey == "") {
		return nil, errors.New("an access key and its secret key belong together, and only one is given")
	}
	if err := checkEndpoint(options.Endpoint); err != nil {
		return nil, err
	}
	settings, err := config.LoadDefaultConfig(ctx, options.load()...)
	if err != nil {
		return nil, fmt.Errorf("the configuration of the AWS SDK cannot be loaded: %w", err)
	}
	if settings.Region == "" {
		if options.Endpoint == "" {
			return nil, errors.New("no region is set: set region, or AWS_REGION in the environment")
		}
		settings.Region = "us-east-1"
	}
	client := awss3.NewFromConfig(settings, func(o *awss3.Options) {
		o.UsePathStyle = options.PathStyle
		// Servers other than AWS refuse checksums that come behind the body. What is kept
		// here has one of its own.
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
		o.DisableLogOutputChecksumValidationSkipped = true
		if options.Endpoint != "" {
			o.BaseEndpoint = aws.String(options.Endpoint)
		}
		o.Retryer = aws.NopRetryer{} // which would repeat writes without looking
		if o.HTTPClient = options.Client; o.HTTPClient == nil {
			o.HTTPClient = patient()
		}
	})
	return &Store{client: client, bucket: options.Bucket, prefix: strings.TrimSuffix(prefix, "/") + "/"}, nil
}

// patient is the SDK's client, but that it keeps as many connections as are used at once:
// the SDK keeps ten, and makes all above that anew for each request.
func patient() aws.HTTPClient {
	return awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.MaxIdleConnsPerHost = 2 * readParallelism
		t.MaxIdleConns = 2 * readParallelism
	})
}

// load are what the SDK's configuration is loaded with.
func (o Options) load() []func(*config.LoadOptions) error {
	var out []func(*config.LoadOptions) error
	if o.Region != "" {
		out = append(out, config.WithRegion(o.Region))
	}
	if o.Profile != "" {
		out = append(out, config.WithSharedConfigProfile(o.Profile))
	}
	if o.AccessKey != "" {
		out = append(out, config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(o.AccessKey, o.SecretKey.Reveal(), "")))
	}
	return out
}

// checkPrefix refuses a prefix that names of objects cannot begin with everywhere.
func checkPrefix(prefix string) error {
	prefix = strings.TrimSuffix(prefix, "/")
	if len(prefix) > maxPrefix {
		return fmt.Errorf("the prefix is longer than %d bytes", maxPrefix)
	}
	if err := state.CheckKey(prefix); err != nil || strings.Contains(prefix, "%") {
		return fmt.Errorf("the prefix %q is not suitable: it is made of letters, digits, '-', '_' and '.', in segments between slashes, such as \"gantry/payments\"", prefix)
	}
	return nil
}

func checkEndpoint(endpoint string) error {
	if endpoint == "" {
		return nil
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return fmt.Errorf("the endpoint must be a URL such as \"https://s3.example.com\"")
	}
	if u.User != nil {
		return errors.New("the endpoint holds credentials: use access_key and secret_key for them")
	}
	return nil
}

// String says where the store is, for people.
func (s *Store) String() string { return "s3://" + s.bucket + "/" + strings.TrimSuffix(s.prefix, "/") }
