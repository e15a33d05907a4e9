// SPDX-License-Identifier: Apache-2.0

// Command peer is what the operator is measured against: a reconciler as one writes it with
// client-go (shared informers with typed objects, a rate-limiting workqueue, leader election), that
// makes the same children from the same templates; and a bare load generator.
//
//	peer run  KUBECONFIG TEMPLATES    reconcile Databases until a signal
//	peer load KUBECONFIG TEMPLATES NAMESPACE COUNT CONNECTIONS
//	                                  apply the children of COUNT Databases, print the rate
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/client-go/util/workqueue"
)

const manager = "peer"

var databases = schema.GroupVersionResource{Group: "example.com", Version: "v1", Resource: "databases"}

type template struct {
	kind, name, path string
	text             string
}

var paths = map[string]string{
	"ServiceAccount": "/api/v1/namespaces/%s/serviceaccounts/",
	"Secret":         "/api/v1/namespaces/%s/secrets/",
	"ConfigMap":      "/api/v1/namespaces/%s/configmaps/",
	"Service":        "/api/v1/namespaces/%s/services/",
	"StatefulSet":    "/apis/apps/v1/namespaces/%s/statefulsets/",
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "peer:", err)
		os.Exit(1)
	}
}

func read(file string) (all []template) {
	text, err := os.ReadFile(file)
	check(err)
	var list struct{ Items []unstructured.Unstructured }
	check(json.Unmarshal(text, &list))
	for _, item := range list.Items {
		text, err := item.MarshalJSON()
		check(err)
		all = append(all, template{item.GetKind(), item.GetName(), paths[item.GetKind()], string(text)})
	}
	return all
}

func fill(text, namespace, name, uid string) string {
	return strings.NewReplacer("TEMPLATE-NAMESPACE", namespace, "template-name", name,
		"00000000-0000-0000-0000-000000000000", uid).Replace(text)
}

func apply(ctx context.Context, client rest.Interface, t template, namespace, name, uid string) error {
	return client.Patch(types.ApplyPatchType).
		AbsPath(fmt.Sprintf(t.path, namespace)+fill(t.name, namespace, name, uid)).
		Param("fieldManager", manager).Param("force", "true").
		Body([]byte(fill(t.text, namespace, name, uid))).Do(ctx).Error()
}

func config(file string) *rest.Config {
	c, err := clientcmd.BuildConfigFromFlags("", file)
	check(err)
	c.QPS = -1
	c.UserAgent = "peer"
	return c
}

func load(args []string) {
	count, err := strconv.Atoi(args[3])
	check(err)
	connections, err := strconv.Atoi(args[4])
	check(err)
	templates, jobs := read(args[1]), make(chan int)
	var group sync.WaitGroup
	began := time.Now()
	for range connections {
		group.Add(1)
		go func() {
			defer group.Done()
			client := kubernetes.NewForConfigOrDie(config(args[0])).RESTClient()
			for n := range jobs {
				for _, t := range templates {
					check(apply(context.Background(), client, t, args[2], fmt.Sprintf("load-%d", n), "00000000-0000-0000-0000-000000000001"))
				}
			}
		}()
	}
	for n := range count {
		jobs <- n
	}
	close(jobs)
	group.Wait()
	took := time.Since(began).Seconds()
	fmt.Printf("{\"writes\": %d, \"seconds\": %.3f, \"rate\": %.1f}\n", count*len(templates), took, float64(count*len(templates))/took)
}

type reconciler struct {
	client    rest.Interface
	dynamic   dynamic.Interface
	templates []template
	stores    map[string]cache.Store
	databases cache.Store
	queue     workqueue.TypedRateLimitingInterface[string]
}

func (r *reconciler) reconcile(ctx context.Context, key string) error {
	object, found, err := r.databases.GetByKey(key)
	if err != nil || !found {
		return err
	}
	d := object.(*unstructured.Unstructured)
	namespace, name := d.GetNamespace(), d.GetName()
	for _, t := range r.templates {
		if _, found, _ := r.stores[t.kind].GetByKey(namespace + "/" + fill(t.name, namespace, name, "")); found {
			continue
		}
		if err := apply(ctx, r.client, t, namespace, name, string(d.GetUID())); err != nil {
			return err
		}
	}
	seen, _, _ := unstructured.NestedInt64(d.Object, "status", "observedGeneration")
	if seen == d.GetGeneration() {
		return nil
	}
	status := fmt.Sprintf(`{"status":{"observedGeneration":%d,"phase":"Ready"}}`, d.GetGeneration())
	_, err = r.dynamic.Resource(databases).Namespace(namespace).Patch(ctx, name, types.MergePatchType, []byte(status), metav1.PatchOptions{}, "status")
	return err
}

func (r *reconciler) work(ctx context.Context) {
	for {
		key, end := r.queue.Get()
		if end {
			return
		}
		if err := r.reconcile(ctx, key); err != nil {
			r.queue.AddRateLimited(key)
		} else {
			r.queue.Forget(key)
		}
		r.queue.Done(key)
	}
}

func run(args []string) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	c := config(args[0])
	typed, dyn := kubernetes.NewForConfigOrDie(c), dynamic.NewForConfigOrDie(c)
	limit := workqueue.DefaultTypedItemBasedRateLimiter[string]()
	r := &reconciler{typed.RESTClient(), dyn, read(args[1]), map[string]cache.Store{}, nil, workqueue.NewTypedRateLimitingQueue(limit)}
	children := informers.NewSharedInformerFactoryWithOptions(typed, 0, informers.WithTweakListOptions(func(o *metav1.ListOptions) {
		o.LabelSelector = "app.kubernetes.io/managed-by=databases.example.com"
	}))
	owner := func(object any) {
		if o, ok := object.(metav1.Object); ok {
			r.queue.Add(o.GetNamespace() + "/" + o.GetLabels()["example.com/database"])
		}
	}
	on := cache.ResourceEventHandlerFuncs{AddFunc: owner, UpdateFunc: func(_, o any) { owner(o) }, DeleteFunc: owner}
	for kind, informer := range map[string]cache.SharedIndexInformer{
		"ServiceAccount": children.Core().V1().ServiceAccounts().Informer(),
		"Secret":         children.Core().V1().Secrets().Informer(),
		"ConfigMap":      children.Core().V1().ConfigMaps().Informer(),
		"Service":        children.Core().V1().Services().Informer(),
		"StatefulSet":    children.Apps().V1().StatefulSets().Informer(),
		"Pod":            children.Core().V1().Pods().Informer(),
		"Claim":          children.Core().V1().PersistentVolumeClaims().Informer(),
		"Budget":         children.Policy().V1().PodDisruptionBudgets().Informer(),
		"CronJob":        children.Batch().V1().CronJobs().Informer(),
	} {
		r.stores[kind] = informer.GetStore()
		_, err := informer.AddEventHandler(on)
		check(err)
	}
	own := dynamicinformer.NewDynamicSharedInformerFactory(dyn, 0)
	informer := own.ForResource(databases).Informer()
	r.databases = informer.GetStore()
	add := func(object any) {
		if key, err := cache.DeletionHandlingMetaNamespaceKeyFunc(object); err == nil {
			r.queue.Add(key)
		}
	}
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{AddFunc: add, UpdateFunc: func(_, o any) { add(o) }, DeleteFunc: add})
	check(err)
	children.Start(ctx.Done())
	own.Start(ctx.Done())
	children.WaitForCacheSync(ctx.Done())
	own.WaitForCacheSync(ctx.Done())
	lock := &resourcelock.LeaseLock{LeaseMeta: metav1.ObjectMeta{Name: "peer", Namespace: "default"}, Client: typed.CoordinationV1(),
		LockConfig: resourcelock.ResourceLockConfig{Identity: fmt.Sprint("peer-", os.Getpid())}}
	leaderelection.RunOrDie(ctx, leaderelection.LeaderElectionConfig{Lock: lock, ReleaseOnCancel: true,
		LeaseDuration: 15 * time.Second, RenewDeadline: 10 * time.Second, RetryPeriod: 2 * time.Second,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(ctx context.Context) {
				for range 10 {
					go r.work(ctx)
				}
				<-ctx.Done()
				r.queue.ShutDown()
			},
			OnStoppedLeading: func() {}}})
}

func main() {
	switch {
	case len(os.Args) == 4 && os.Args[1] == "run":
		run(os.Args[2:])
	case len(os.Args) == 7 && os.Args[1] == "load":
		load(os.Args[2:])
	default:
		fmt.Fprintln(os.Stderr, "usage: peer run KUBECONFIG TEMPLATES | peer load KUBECONFIG TEMPLATES NAMESPACE COUNT CONNECTIONS")
		os.Exit(2)
	}
}
